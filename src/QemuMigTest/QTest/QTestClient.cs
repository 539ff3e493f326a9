using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace QemuMigTest.QTest;

/// <summary>Guest memory and I/O ports through QEMU's qtest protocol, whether the guest runs or not.</summary>
/// <remarks>
/// QEMU is started with <c>-chardev socket,id=qtest,path=… -qtest chardev:qtest -qtest-log none</c>; QEMU 7.2 aborts when the chardev has another id.
/// Thread-safe: one command at a time, each call blocks. Addresses are guest-physical, in bytes.
/// Every method throws <see cref="QTestException"/> when QEMU refuses, closes the connection, or does not answer within <see cref="Timeout"/>; after the last two, and after
/// a reply that is none, the connection is of no more use.
/// </remarks>
public sealed class QTestClient : IDisposable
{
    /// <summary>The most that one command reads, in bytes.</summary>
    private const int ReadChunk = 1024 * 1024;

    /// <summary>The most that one command writes, in bytes: QEMU searches what it has of a line from the start with each piece that comes, so long lines cost it much.</summary>
    private const int WriteChunk = 64 * 1024;

    /// <summary>How many commands are sent at once: QEMU stops to read when nobody takes its replies, which all fit into a socket's buffer.</summary>
    private const int Batch = 256;

    private readonly Lock _lock = new();
    private readonly Socket _socket;
    private readonly string _name;
    private readonly QTestConnection _connection;

    /// <param name="socket">A connected stream socket; it is the client's from here on.</param>
    /// <param name="name">What errors call the other side: <c>source</c>, <c>destination</c>.</param>
    public QTestClient(Socket socket, string name)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _name = name;
        _connection = new QTestConnection(socket, name, Base64.GetMaxEncodedToUtf8Length(ReadChunk) + 1024);
    }

    /// <summary>How long a command waits to be sent, and for its reply: 30 s unless set; from 1 ms.</summary>
    public TimeSpan Timeout
    {
        get
        {
            lock (_lock)
                return _connection.Timeout;
        }
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(1));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromMilliseconds(int.MaxValue));
            lock (_lock)
                _connection.Timeout = value;
        }
    }

    /// <summary>One byte (<c>readb</c>).</summary>
    public byte ReadByte(ulong address) => (byte)Number(byte.MaxValue, $"readb 0x{address:x}\n");

    /// <summary>Eight bytes in the guest's byte order (<c>readq</c>).</summary>
    public ulong ReadUInt64(ulong address) => Number(ulong.MaxValue, $"readq 0x{address:x}\n");

    /// <summary>Bytes (<c>b64read</c>), in commands of up to 1 MiB.</summary>
    public byte[] Read(ulong address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        Read(address, bytes);
        return bytes;
    }

    /// <summary>As many bytes as the destination holds (<c>b64read</c>), in commands of up to 1 MiB; a running guest may write in between.</summary>
    public void Read(ulong address, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            var chunk = destination[..Math.Min(destination.Length, ReadChunk)];
            var command = string.Create(CultureInfo.InvariantCulture, $"b64read 0x{address:x} 0x{chunk.Length:x}\n");
            lock (_lock)
            {
                var reply = _connection.Execute(Encoding.ASCII.GetBytes(command));
                var status = Base64.DecodeFromUtf8(reply, chunk, out var consumed, out var written);
                if (status != OperationStatus.Done || consumed != reply.Length || written != chunk.Length)
                    throw NotAsAsked(command, reply, $"got no base64 of {chunk.Length} bytes");
            }
            destination = destination[chunk.Length..];
            address = unchecked(address + (ulong)chunk.Length);
        }
    }

    /// <summary>Writes bytes (<c>b64write</c>), in commands of up to 64 KiB.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            var chunk = data[..Math.Min(data.Length, WriteChunk)];
            var head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"b64write 0x{address:x} 0x{chunk.Length:x} "));
            var command = new byte[head.Length + Base64.GetMaxEncodedToUtf8Length(chunk.Length) + 1];
            head.CopyTo(command, 0);
            Base64.EncodeToUtf8(chunk, command.AsSpan(head.Length), out _, out var written);
            command[head.Length + written] = (byte)'\n';
            lock (_lock)
                _connection.Execute(command.AsSpan(0, head.Length + written + 1));
            data = data[chunk.Length..];
            address = unchecked(address + (ulong)chunk.Length);
        }
    }

    /// <summary>Reads an I/O port (<c>inb</c>).</summary>
    public byte In8(ushort port) => (byte)Number(byte.MaxValue, $"inb 0x{port:x}\n");

    /// <summary>Reads an I/O port (<c>inw</c>).</summary>
    public ushort In16(ushort port) => (ushort)Number(ushort.MaxValue, $"inw 0x{port:x}\n");

    /// <summary>Reads an I/O port (<c>inl</c>).</summary>
    public uint In32(ushort port) => (uint)Number(uint.MaxValue, $"inl 0x{port:x}\n");

    /// <summary>Writes an I/O port (<c>outb</c>).</summary>
    public void Out8(ushort port, byte value) => Run($"outb 0x{port:x} 0x{value:x}\n");

    /// <summary>Writes an I/O port (<c>outw</c>).</summary>
    public void Out16(ushort port, ushort value) => Run($"outw 0x{port:x} 0x{value:x}\n");

    /// <summary>Writes an I/O port (<c>outl</c>).</summary>
    public void Out32(ushort port, uint value) => Run($"outl 0x{port:x} 0x{value:x}\n");

    /// <summary>Executes commands of which each replies with a number or with nothing, all sent at once: a reply that has to be waited for costs more than most commands.</summary>
    /// <param name="commands">Lines of the protocol, such as <c>outb 0x70 0x45</c>; at most a few thousand.</param>
    /// <returns>The replies in order; 0 where there was none.</returns>
    public IReadOnlyList<ulong> ExecuteAll(IReadOnlyList<string> commands)
    {
        ArgumentNullException.ThrowIfNull(commands);
        var replies = new ulong[commands.Count];
        foreach (var (start, batch) in commands.Chunk(Batch).Select((batch, number) => (number * Batch, batch)))
        {
            var text = Encoding.ASCII.GetBytes(string.Concat(batch.Select(command => command + "\n")));
            lock (_lock)
            {
                QTestException? first = null;
                for (var i = 0; i < batch.Length; i++)
                {
                    // Also behind a refusal: what is not read would be taken for the replies of commands to come.
                    try
                    {
                        var reply = _connection.Execute(i == 0 ? text : [], Encoding.ASCII.GetBytes(batch[i]));
                        if (!reply.IsEmpty && (!reply.StartsWith("0x"u8) || !ulong.TryParse(reply[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out replies[start + i])))
                            throw NotAsAsked(batch[i], reply, "got no number");
                    }
                    catch (QTestException e)
                    {
                        first ??= e;
                    }
                }

                if (first is not null)
                    throw first;
            }
        }

        return replies;
    }

    /// <summary>Closes the connection; a call that waits in another thread fails with <see cref="QTestException"/>.</summary>
    public void Dispose() => _socket.Dispose();

    private void Run(string command)
    {
        lock (_lock)
            _connection.Execute(Encoding.ASCII.GetBytes(command));
    }

    private ulong Number(ulong max, FormattableString command)
    {
        var text = FormattableString.Invariant(command);
        lock (_lock)
        {
            var reply = _connection.Execute(Encoding.ASCII.GetBytes(text));
            var isNumber = reply.StartsWith("0x"u8) & ulong.TryParse(reply.Length < 2 ? [] : reply[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value);
            return isNumber && value <= max ? value : throw NotAsAsked(text, reply, $"got no number up to 0x{max:x}");
        }
    }

    private QTestException NotAsAsked(string command, ReadOnlySpan<byte> reply, string problem) =>
        new(_name, command.TrimEnd(), "OK " + Encoding.UTF8.GetString(reply[..Math.Min(reply.Length, 200)]), problem);
}
