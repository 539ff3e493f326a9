using System.Text.Json.Nodes;

namespace QemuMigTest.Migration.Channels;

/// <summary>As <see cref="TcpChannel"/>, each side's address as a list of channels (since 8.2) and not as a URI.</summary>
internal sealed class TcpAddressChannel : MigrationChannel
{
    private const string Host = "127.0.0.1";

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Address(Host, "0"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        var address = await TcpChannel.ListeningAsync(pair, ct);
        return Address(address.GetProperty("host").GetString()!, address.GetProperty("port").GetString()!);
    }

    private static JsonObject Address(string host, string port) => Main(new JsonObject { ["transport"] = "socket", ["type"] = "inet", ["host"] = host, ["port"] = port });
}
