using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>The destination listens, and the source connects to a port where nobody does.</summary>
internal sealed class NobodyListensChannel : MigrationChannel
{
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));

    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));
}
