using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Tls;

/// <summary>TCP, where somebody connects to the destination before the source does, and says nothing.</summary>
/// <param name="meanwhile">What is done while he is connected: he hangs up when the socket is disposed of, or when the migration is over.</param>
internal sealed class SilentClientChannel(Func<Socket, Task> meanwhile) : MigrationChannel
{
    private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));

    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        var address = (await pair.Destination.QueryMigrateAsync(ct)).SocketAddresses.ShouldHaveSingleItem();
        var port = address.GetProperty("port").GetString()!;
        await _client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture)), ct);
        await meanwhile(_client);
        return Uri($"tcp:127.0.0.1:{port}");
    }

    public override void Dispose()
    {
        _client.Dispose();
        base.Dispose();
    }
}
