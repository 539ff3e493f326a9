using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Cancel;

/// <summary>The destination listens on a Unix socket, and the source connects to one that is not there.</summary>
internal sealed class MissingSocketChannel : MigrationChannel
{
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{pair.Scratch.CreateChild("channel").File("unix")}"));

    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri($"unix:{pair.Scratch.CreateChild("missing").File("unix")}"));
}
