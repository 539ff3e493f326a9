using System.Net.Sockets;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The other end of a second serial port (COM2), which takes nothing before it is asked to.</summary>
internal sealed class SerialPeer : IDisposable
{
    /// <summary>The port's first register.</summary>
    public const ushort Port = 0x2f8;

    private readonly string _path;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket? _connection;

    /// <param name="path">The socket's.</param>
    public SerialPeer(string path)
    {
        _path = path;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(1);
    }

    /// <summary>The arguments of the QEMU whose port it is.</summary>
    public QemuCommandLine Arguments => new QemuCommandLine()
        .With("-chardev", $"socket,id=second,path={QemuCommandLine.InList(_path)}")
        .With("-device", "isa-serial,index=1,chardev=second");

    /// <summary>Takes what has come, and waits until that is so much.</summary>
    /// <param name="side">Whose port it is.</param>
    /// <param name="count">Bytes.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]> TakeAsync(MigrationSide side, int count, CancellationToken ct)
    {
        _connection ??= await _listener.AcceptAsync(ct);
        var (bytes, taken) = (new byte[count], 0);
        await Poll.UntilAsync(side.Name, $"the serial port to send {count} bytes", async token =>
        {
            taken += _connection.Available == 0 ? 0 : await _connection.ReceiveAsync(bytes.AsMemory(taken), token);
            return taken == count ? this : null;
        }, () => $"{taken} bytes have come, line status 0x{side.Process.QTest!.In8(Port + 5):x2}", side.Process.Options.Limits.Command, ct);
        return bytes;
    }

    /// <summary>How many bytes have come that nobody has taken.</summary>
    public int Waiting => _connection?.Available ?? 0;

    public void Dispose()
    {
        _connection?.Dispose();
        _listener.Dispose();
    }
}
