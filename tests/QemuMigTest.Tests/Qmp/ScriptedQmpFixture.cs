using NUnit.Framework;
using QemuMigTest.Qmp;

namespace QemuMigTest.Tests.Qmp;

/// <summary>Tests of a client that is connected to a peer with a script.</summary>
public abstract class ScriptedQmpFixture
{
    private protected QmpClient Client { get; private set; } = null!;

    private protected ScriptedQmpPeer Peer { get; private set; } = null!;

    private protected virtual QmpClientOptions Options => new() { Name = "source" };

    [SetUp]
    public async Task Connect() => (Client, Peer) = await ScriptedQmpPeer.ConnectedAsync(Options);

    [TearDown]
    public async Task Disconnect()
    {
        await Client.DisposeAsync();
        Peer.Dispose();
    }
}
