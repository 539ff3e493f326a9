using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration.Channels;

/// <summary>The two channels of cpr-transfer (since 10.0): main for the stream, and cpr for the descriptors of RAM, which the destination reads before it has a monitor.</summary>
/// <param name="deferred">Whether the destination learns of its main channel by migrate-incoming, and not by its command line.</param>
public sealed class CprTransferChannel(bool deferred) : MigrationChannel
{
    private string? _cpr;
    private string? _main;

    /// <summary>Whether the destination learns of its main channel by migrate-incoming.</summary>
    public bool Deferred => deferred;

    /// <inheritdoc/>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{_main}"));

    /// <inheritdoc/>
    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(new JsonObject
    {
        ["channels"] = new JsonArray(Channel("main", _main!), Channel("cpr", _cpr!)),
    });

    /// <inheritdoc/>
    public override void Dispose()
    {
        CloseCpr();
        base.Dispose();
    }

    /// <summary>Makes a folder for the sockets.</summary>
    /// <returns>The destination's arguments.</returns>
    internal IReadOnlyList<string> Open(MigrationPair pair)
    {
        var folder = pair.Scratch.CreateChild("channel");
        _main = folder.File("unix");
        _cpr = folder.File("cpr");
        return ["-incoming", $"cpr,addr.transport=socket,addr.type=unix,addr.path={QemuCommandLine.InList(_cpr)}", "-incoming", deferred ? "defer" : $"unix:{_main}"];
    }

    /// <summary>Waits until the destination listens for the cpr channel, which it does before it has a monitor to say so.</summary>
    /// <param name="destination">The destination's start: its end ends the wait.</param>
    /// <param name="limit">How long at most.</param>
    /// <param name="ct">Ends the wait.</param>
    internal Task WaitForListenerAsync(Task destination, TimeSpan limit, CancellationToken ct) => Poll.UntilAsync("destination", $"it to listen on {_cpr}", async token =>
    {
        if (destination.IsCompleted)
        {
            await destination;
        }

        // A socket that is bound has its name already, and refuses connections until it listens.
        return (await File.ReadAllLinesAsync("/proc/net/unix", token)).Any(IsListener) ? this : null;
    }, () => Path.Exists(_cpr) ? "the socket is there, and nobody listens" : "no such socket", limit, ct);

    /// <summary>Removes the cpr channel's socket, which QEMU leaves behind: the destination has the channel.</summary>
    internal void CloseCpr()
    {
        if (_cpr is not null && Path.Exists(_cpr))
        {
            File.Delete(_cpr);
        }
    }

    // Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON.
    private bool IsListener(string line) => line.EndsWith($" {_cpr}", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3] == "00010000";

    private static JsonObject Channel(string type, string path) => new()
    {
        ["channel-type"] = type,
        ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "unix", ["path"] = path },
    };
}
