using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpConnectTests
{
    [Test]
    public async Task The_greeting_is_read_and_out_of_band_agreed_on()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        var connecting = QmpClient.ConnectAsync(ours, new() { Name = "source" }, ScriptedQmpPeer.Deadline());
        await peer.SendLineAsync(ScriptedQmpPeer.Greeting);
        var sent = await peer.AnswerAsync("qmp_capabilities");
        await using var client = await connecting;

        sent.GetProperty("arguments").GetProperty("enable")[0].GetString().ShouldBe("oob");
        client.OutOfBand.ShouldBeTrue();
        client.Name.ShouldBe("source");
        client.Greeting.Version.ShouldBe(new Version(10, 0, 2));
        (client.Greeting.Major, client.Greeting.Minor, client.Greeting.Micro).ShouldBe((10, 0, 2));
        client.Greeting.Package.ShouldBe("Debian 1:10.0.2");
        client.Greeting.Capabilities.ShouldBe(["oob"]);
    }

    [TestCase(ScriptedQmpPeer.GreetingWithoutOob, true)]
    [TestCase(ScriptedQmpPeer.Greeting, false)]
    public async Task Out_of_band_is_not_enabled_when_one_side_does_not_want_it(string greeting, bool wanted)
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        var connecting = QmpClient.ConnectAsync(ours, new() { OutOfBand = wanted }, ScriptedQmpPeer.Deadline());
        await peer.SendLineAsync(greeting);
        var sent = await peer.AnswerAsync("qmp_capabilities");
        await using var client = await connecting;

        sent.TryGetProperty("arguments", out var _).ShouldBeFalse();
        client.OutOfBand.ShouldBeFalse();
        var error = await Should.ThrowAsync<InvalidOperationException>(async () => await client.ExecuteOutOfBandAsync("migrate-pause", null, ScriptedQmpPeer.Deadline()));
        error.Message.ShouldContain("migrate-pause");
    }

    [TestCase("SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0")]
    [TestCase("[1]\n", "[1]")]
    [TestCase("{\"QMP\": {\"version\": 5}}\n", "version")]
    [TestCase("{\"return\": {}, \"id\": 1}\n", "return")]
    public async Task A_greeting_that_is_none_is_reported_with_what_came(string text, string seen)
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        await peer.SendAsync(text);
        var error = await Should.ThrowAsync<QmpConnectException>(QmpClient.ConnectAsync(ours, new() { Name = "destination" }, ScriptedQmpPeer.Deadline()));
        error.Phase.ShouldBe(QmpConnectPhase.Greeting);
        error.Message.ShouldContain(seen);
        error.Message.ShouldContain("destination");
        ours.SafeHandle.IsClosed.ShouldBeTrue();
    }

    [TestCase("", "closed the connection before")]
    [TestCase("{\"QMP\": {\"ver", "CutMidLine")]
    public async Task A_peer_that_closes_before_the_greeting_is_whole_is_reported(string text, string seen)
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        await peer.SendAsync(text);
        peer.Dispose();
        var error = await Should.ThrowAsync<QmpConnectException>(QmpClient.ConnectAsync(ours, new(), ScriptedQmpPeer.Deadline()));
        error.Phase.ShouldBe(QmpConnectPhase.Greeting);
        error.Message.ShouldContain(seen);
    }

    [Test]
    public async Task A_greeting_without_end_is_bounded()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        await peer.SendAsync(new string('x', 2000));
        var error = await Should.ThrowAsync<QmpConnectException>(QmpClient.ConnectAsync(ours, new() { MaxLineLength = 1000 }, ScriptedQmpPeer.Deadline()));
        error.Message.ShouldContain("TooLong");
    }

    [Test]
    public async Task Refused_capabilities_are_a_failed_connection()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        var connecting = QmpClient.ConnectAsync(ours, new(), ScriptedQmpPeer.Deadline());
        await peer.SendLineAsync(ScriptedQmpPeer.Greeting);
        await peer.RefuseAsync(await peer.ReadCommandAsync(), "GenericError", "no such capability");
        var error = await Should.ThrowAsync<QmpConnectException>(connecting);
        error.Phase.ShouldBe(QmpConnectPhase.Capabilities);
        error.InnerException.ShouldBeOfType<QmpCommandException>().Description.ShouldBe("no such capability");
    }

    [Test]
    public async Task A_peer_that_closes_while_capabilities_are_agreed_on_is_a_failed_connection()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        var connecting = QmpClient.ConnectAsync(ours, new(), ScriptedQmpPeer.Deadline());
        await peer.SendLineAsync(ScriptedQmpPeer.Greeting);
        await peer.ReadCommandAsync();
        peer.Dispose();
        var error = await Should.ThrowAsync<QmpConnectException>(connecting);
        error.Phase.ShouldBe(QmpConnectPhase.Capabilities);
        error.InnerException.ShouldBeOfType<QmpInterruptedException>().Disconnect.Reason.ShouldBe(QmpDisconnectReason.CleanEnd);
    }

    [Test]
    public async Task A_connection_attempt_can_be_cancelled_and_closes_the_socket()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        using var cts = new CancellationTokenSource();
        var connecting = QmpClient.ConnectAsync(ours, new(), cts.Token);
        await cts.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(connecting)).CancellationToken.ShouldBe(cts.Token);
        ours.SafeHandle.IsClosed.ShouldBeTrue();
    }
}
