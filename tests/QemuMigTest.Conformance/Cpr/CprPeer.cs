using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Cpr;

/// <summary>A peer of ours for cpr-transfer, which takes the descriptors of RAM and never listens for the migration.</summary>
internal sealed class CprPeer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket? _source;

    /// <param name="folder">For its socket.</param>
    public CprPeer(ScratchDirectory folder)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(folder.File("cpr")));
        _listener.Listen();
        Channels = new() { ["channels"] = new JsonArray(Channel("main", folder.File("unix")), Channel("cpr", folder.File("cpr"))) };
    }

    /// <summary>The arguments of the source's migrate.</summary>
    public JsonObject Channels { get; }

    /// <summary>Lets the source in, and waits for its first bytes.</summary>
    public async Task AcceptAsync(CancellationToken ct)
    {
        _source = await _listener.AcceptAsync(ct);
        _source.Blocking = false;
        await _source.ReceiveAsync(new byte[1], ct);
    }

    /// <summary>Waits until the source has let go of the connection, one half of which it closes as soon as it has sent all.</summary>
    public Task HungUpOnAsync(MigrationSide source, CancellationToken ct) => Poll.UntilAsync(source.Name, "it to let go of the connection to who took its RAM", _ =>
    {
        try
        {
            _source!.Send(new byte[1]);
            return Task.FromResult<CprPeer?>(null);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            return Task.FromResult<CprPeer?>(null);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            return Task.FromResult<CprPeer?>(this);
        }
    }, source.Process.LastSeen, source.Process.Options.Limits.Step, ct);

    /// <summary>Hangs up.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        _source?.Dispose();
    }

    private static JsonObject Channel(string type, string path) => new()
    {
        ["channel-type"] = type,
        ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "unix", ["path"] = path },
    };
}
