using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Hosts;

namespace QemuMigTest.Migration.Channels;

/// <summary>RDMA (<c>rdma:</c>) over this machine's first link with an address of a family.</summary>
/// <param name="family">InterNetwork or InterNetworkV6.</param>
public sealed class RdmaChannel(AddressFamily family) : MigrationChannel
{
    private string? _uri;

    /// <inheritdoc/>
    /// <exception cref="QemuMigTestException">There is no such link.</exception>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct)
    {
        var host = RdmaLink.ReadAll().Select(link => link.HostOf(family)).FirstOrDefault(found => found is not null)
            ?? throw new QemuMigTestException($"This machine has no RDMA link with an address of {family}; see rdma link.");
        _uri = string.Create(CultureInfo.InvariantCulture, $"rdma:{host}:{FreePort()}");
        return Task.FromResult(Uri(_uri));
    }

    /// <inheritdoc/>
    public override Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri(_uri!));

    // RDMA's ports are its own, and QEMU does not say which one it got; TCP's free ones are another for each test of this machine.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
