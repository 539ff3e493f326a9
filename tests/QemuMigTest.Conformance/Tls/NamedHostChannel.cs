using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Tls;

/// <summary>TCP on 127.0.0.1, of which the source is told by a name.</summary>
/// <param name="host">The name.</param>
internal sealed class NamedHostChannel(string host) : MigrationChannel
{
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) =>
        Uri($"tcp:{host}:{(await pair.Destination.QueryMigrateAsync(ct)).SocketAddresses.ShouldHaveSingleItem().GetProperty("port").GetString()}");
}
