using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Cancel;

/// <summary>The destination listens on a Unix socket, and the source connects to another, of ours: it waits there, to be let in or to be answered.</summary>
/// <param name="full">Whether there is no room for it among those who wait to be let in, so that its connect waits; else it is connected, and its peer says nothing.</param>
internal sealed class HeldSocketChannel(bool full) : MigrationChannel
{
    // Linux keeps some 190 to 240 kB for a Unix socket's reader; a packet of multifd's has half a megabyte of pages.
    private const int NearlyFull = 150_000;

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Socket _before = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _others = [];
    private Socket? _source;

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{pair.Scratch.CreateChild("channel").File("unix")}"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        var address = new UnixDomainSocketEndPoint(pair.Scratch.CreateChild("held").File("unix"));
        _listener.Bind(address);
        _listener.Listen(full ? 0 : 16);
        if (full)
        {
            // Linux lets one more wait than it is told.
            await _before.ConnectAsync(address, ct);
        }

        return Uri($"unix:{address}");
    }

    /// <summary>Lets the source in.</summary>
    public async Task AcceptAsync(CancellationToken ct)
    {
        if (full)
        {
            (await _listener.AcceptAsync(ct)).Dispose();
        }

        _source = await _listener.AcceptAsync(ct);
    }

    /// <summary>Lets the source in, and waits until it has said something.</summary>
    /// <exception cref="WaitTimeoutException">It has not.</exception>
    public async Task AcceptAndHearAsync(MigrationPair pair, CancellationToken ct)
    {
        await AcceptAsync(ct);
        await Poll.UntilAsync("source", "its first bytes over the connection that waited", _ => Task.FromResult(_source!.Available > 0 ? this : null), () => "nothing came", pair.Environment.Limits.Step, ct);
    }

    /// <summary>Lets the source in as often as it comes, and waits until it can write no more: nobody reads.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="channels">How many multifd channels there are beside the first connection; 0 without multifd.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">It has not said so much.</exception>
    public async Task WaitUntilFullAsync(MigrationPair pair, int channels, CancellationToken ct)
    {
        await AcceptAsync(ct);
        while (_others.Count < channels)
        {
            _others.Add(await _listener.AcceptAsync(ct));
        }

        IReadOnlyList<Socket> filled = channels > 0 ? _others : [_source!];
        await Poll.UntilAsync("source", $"{NearlyFull} bytes or more over each connection, which nobody reads", _ => Task.FromResult(filled.All(socket => socket.Available >= NearlyFull) ? this : null),
            () => string.Join(", ", filled.Select(socket => $"{socket.Available} bytes")), pair.Environment.Limits.Step, ct);
    }

    /// <summary>Reads what the source, which was let in, says to the end of the connection.</summary>
    /// <returns>How many bytes came.</returns>
    public async Task<long> ReadToEndAsync(CancellationToken ct)
    {
        var buffer = new byte[256 * 1024];
        long all = 0;
        while (await _source!.ReceiveAsync(buffer, ct) is var bytes and > 0)
        {
            all += bytes;
        }

        return all;
    }

    /// <summary>Refuses a source that was not let in, and hangs up on one that was.</summary>
    public void HangUp()
    {
        _listener.Dispose();
        _before.Dispose();
        _source?.Dispose();
        _others.ForEach(socket => socket.Dispose());
    }

    public override void Dispose()
    {
        HangUp();
        base.Dispose();
    }
}
