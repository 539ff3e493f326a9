using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpDisconnectTests : ScriptedQmpFixture
{
    private protected override QmpClientOptions Options => new() { Name = "source", MaxLineLength = 64 * 1024 };

    [Test]
    public async Task A_clean_end_interrupts_commands_waits_and_later_commands()
    {
        var command = Client.ExecuteAsync("slow", null, ScriptedQmpPeer.Deadline());
        var wait = Client.Events.Listen("STOP").WaitAsync(ScriptedQmpPeer.Deadline());
        await Peer.ReadCommandAsync();
        await Peer.SendEventAsync("RESUME");
        Peer.Dispose();

        (await EndAsync()).ShouldBe(new QmpDisconnect(QmpDisconnectReason.CleanEnd, null));
        var error = await Should.ThrowAsync<QmpInterruptedException>(command);
        error.Message.ShouldBe("source: QEMU closed the QMP connection while waiting for the reply to 'slow'");
        error.Disconnect.Reason.ShouldBe(QmpDisconnectReason.CleanEnd);
        (await Should.ThrowAsync<QmpInterruptedException>(wait)).Message.ShouldContain("event STOP; the last event seen was RESUME");
        (await Should.ThrowAsync<QmpInterruptedException>(Client.ExecuteAsync("later", null, ScriptedQmpPeer.Deadline()))).Message.ShouldContain("later");
    }

    [Test]
    public async Task APeer_that_ends_without_having_read_all_is_a_clean_end_too()
    {
        var command = Client.ExecuteAsync("unread", null, ScriptedQmpPeer.Deadline());
        await Peer.SendEventAsync("SHUTDOWN");
        Peer.Dispose();
        (await EndAsync()).Reason.ShouldBe(QmpDisconnectReason.CleanEnd);
        await Should.ThrowAsync<QmpInterruptedException>(command);
        Client.Events.ShouldHaveSingleItem().Name.ShouldBe("SHUTDOWN");
    }

    [Test]
    public async Task A_half_line_at_the_end_is_told_from_a_clean_end()
    {
        var command = Client.ExecuteAsync("slow", null, ScriptedQmpPeer.Deadline());
        await Peer.ReadCommandAsync();
        await Peer.SendAsync("""{"return": {"sta""");
        Peer.Dispose();
        var end = await EndAsync();
        end.Reason.ShouldBe(QmpDisconnectReason.CutMidLine);
        (await Should.ThrowAsync<QmpInterruptedException>(command)).InnerException.ShouldBeOfType<EndOfStreamException>().Message.ShouldContain("""{"return": {"sta""");
    }

    [TestCase("rubbish", "not JSON")]
    [TestCase("{\"return\": {}", "not JSON")]
    [TestCase("[1, 2]", "no object")]
    [TestCase("{}", "no return, no error and no event")]
    [TestCase(ScriptedQmpPeer.Greeting, "no return, no error and no event")]
    [TestCase("{\"return\": {}}", "lacks a member")]
    [TestCase("{\"return\": {}, \"id\": \"1\"}", "lacks a member")]
    [TestCase("{\"error\": 1}", "lacks a member")]
    [TestCase("{\"event\": \"STOP\"}", "lacks a member")]
    [TestCase("{\"event\": \"\\ud800\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}", "lacks a member")]
    [TestCase("{\"return\": {}, \"id\": 4711}", "no outstanding command")]
    [TestCase("{\"error\": {\"class\": \"GenericError\", \"desc\": \"x\"}}", "no outstanding command")]
    public async Task What_is_not_QMP_ends_the_connection_with_the_raw_line(string line, string problem)
    {
        await Peer.SendLineAsync(line);
        var end = await EndAsync();
        end.Reason.ShouldBe(QmpDisconnectReason.ProtocolError);
        var error = end.Exception.ShouldBeOfType<QmpProtocolException>();
        error.RawLine.ShouldBe(line);
        error.Message.ShouldStartWith("source: ");
        error.Message.ShouldContain(problem);
        var later = await Should.ThrowAsync<QmpInterruptedException>(Client.ExecuteAsync("later", null, ScriptedQmpPeer.Deadline()));
        later.InnerException.ShouldBe(error);
        (await Peer.Socket.ReceiveAsync(new byte[1], ScriptedQmpPeer.Deadline())).ShouldBe(0, "the peer sees the connection end");
    }

    [Test]
    public async Task An_error_without_id_is_not_guessed_to_belong_to_one_of_several_commands()
    {
        var first = Client.ExecuteAsync("first", null, ScriptedQmpPeer.Deadline());
        var second = Client.ExecuteAsync("second", null, ScriptedQmpPeer.Deadline());
        await Peer.SendLineAsync("""{"error": {"class": "GenericError", "desc": "JSON parse error"}}""");
        await Should.ThrowAsync<QmpInterruptedException>(first);
        (await Should.ThrowAsync<QmpInterruptedException>(second)).InnerException.ShouldBeOfType<QmpProtocolException>();
    }

    [Test]
    public async Task A_long_raw_line_is_cut()
    {
        await Peer.SendLineAsync(new string('x', 5000));
        (await EndAsync()).Exception.ShouldBeOfType<QmpProtocolException>().RawLine.Length.ShouldBe(200);
    }

    [Test]
    public async Task A_line_without_end_ends_the_connection_at_the_limit()
    {
        await Peer.SendAsync(new string('x', 100 * 1024));
        var end = await EndAsync();
        end.Reason.ShouldBe(QmpDisconnectReason.ProtocolError);
        end.Exception!.Message.ShouldContain("longer than 65536 bytes");
    }

    [Test]
    public async Task Disposing_twice_and_at_once_ends_everything()
    {
        var command = Client.ExecuteAsync("slow", null, ScriptedQmpPeer.Deadline());
        var wait = Client.Events.Listen("STOP").WaitAsync(ScriptedQmpPeer.Deadline());
        await Task.WhenAll(Task.Run(() => Client.DisposeAsync().AsTask()), Task.Run(() => Client.DisposeAsync().AsTask()));
        await Client.DisposeAsync();
        (await EndAsync()).Reason.ShouldBe(QmpDisconnectReason.Disposed);
        (await Should.ThrowAsync<QmpInterruptedException>(command)).Message.ShouldContain("disposed");
        await Should.ThrowAsync<QmpInterruptedException>(wait);
        await Should.ThrowAsync<QmpInterruptedException>(Client.ExecuteAsync("later", null, ScriptedQmpPeer.Deadline()));
    }

    [Test]
    public async Task The_reason_stays_when_theClient_is_disposed_later()
    {
        Peer.Dispose();
        await EndAsync();
        await Client.DisposeAsync();
        (await EndAsync()).Reason.ShouldBe(QmpDisconnectReason.CleanEnd);
    }

    private Task<QmpDisconnect> EndAsync() => Client.Closed.WaitAsync(ScriptedQmpPeer.Deadline());
}
