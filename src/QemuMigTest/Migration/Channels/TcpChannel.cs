using System.Text.Json;
using System.Text.Json.Nodes;

namespace QemuMigTest.Migration.Channels;

/// <summary>TCP on 127.0.0.1; the destination lets the kernel choose the port and says which (socket-address, since 4.0).</summary>
internal sealed class TcpChannel : MigrationChannel
{
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        var address = await ListeningAsync(pair, ct);
        return Uri($"tcp:{address.GetProperty("host").GetString()}:{address.GetProperty("port").GetString()}");
    }

    /// <summary>Where the destination listens (QAPI SocketAddress).</summary>
    public static async Task<JsonElement> ListeningAsync(MigrationPair pair, CancellationToken ct)
    {
        var addresses = (await pair.Destination.QueryMigrateAsync(ct)).SocketAddresses;
        return addresses is [var address]
            ? address
            : throw new QemuMigTestException($"{pair.Destination.Name}: query-migrate shows {addresses.Count} socket addresses after migrate-incoming; one was expected.");
    }
}
