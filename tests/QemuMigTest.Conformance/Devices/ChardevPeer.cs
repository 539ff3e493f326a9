using System.Net.Sockets;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The other end of a QEMU's character device, which takes nothing before it is asked to.</summary>
internal class ChardevPeer : IDisposable
{
    private readonly string _path;
    private readonly string _id;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket? _connection;

    /// <param name="path">The socket's.</param>
    /// <param name="id">The character device's.</param>
    public ChardevPeer(string path, string id)
    {
        (_path, _id) = (path, id);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(1);
    }

    /// <summary>The argument of the QEMU whose character device it is.</summary>
    public QemuCommandLine Chardev => new QemuCommandLine().With("-chardev", $"socket,id={_id},path={QemuCommandLine.InList(_path)}");

    /// <summary>Takes what has come, and waits until that is so much.</summary>
    /// <param name="side">Whose it is.</param>
    /// <param name="count">Bytes.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]> TakeAsync(MigrationSide side, int count, CancellationToken ct)
    {
        var connection = await ConnectionAsync(ct);
        var (bytes, taken) = (new byte[count], 0);
        await Poll.UntilAsync(side.Name, $"the chardev {_id} to send {count} bytes", async token =>
        {
            taken += connection.Available == 0 ? 0 : await connection.ReceiveAsync(bytes.AsMemory(taken), token);
            return taken == count ? this : null;
        }, () => $"{taken} bytes have come{Describe(side)}", side.Process.Options.Limits.Command, ct);
        return bytes;
    }

    /// <summary>Looks at what has come, and takes nothing, so that there is no room for more.</summary>
    public async Task<byte[]> PeekAsync(CancellationToken ct)
    {
        var connection = await ConnectionAsync(ct);
        var bytes = new byte[connection.Available];
        // Without any it would wait.
        (bytes.Length == 0 ? 0 : connection.Receive(bytes, SocketFlags.Peek)).ShouldBe(bytes.Length, "bytes that can be looked at, of those that have come");
        return bytes;
    }

    /// <summary>Sends something.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => (await (await ConnectionAsync(ct)).SendAsync(bytes, ct)).ShouldBe(bytes.Length, "bytes that were sent");

    /// <summary>How many bytes have come that nobody has taken.</summary>
    public int Waiting => _connection?.Available ?? 0;

    public void Dispose()
    {
        _connection?.Dispose();
        _listener.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What else is to be said of a side whose bytes do not come.</summary>
    protected virtual string Describe(MigrationSide side) => "";

    private async Task<Socket> ConnectionAsync(CancellationToken ct) => _connection ??= await _listener.AcceptAsync(ct);
}
