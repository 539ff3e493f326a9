using System.Text.Json.Nodes;

namespace QemuMigTest.Migration.Channels;

/// <summary>A Unix socket in the pair's scratch folder.</summary>
internal sealed class UnixChannel : MigrationChannel
{
    private string? _path;

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct)
    {
        _path = pair.Scratch.CreateChild("channel").File("unix");
        return Task.FromResult(Uri($"unix:{_path}"));
    }

    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{_path}"));
}
