using System.Text.Json.Nodes;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpCommandTests : ScriptedQmpFixture
{
    [Test]
    public async Task A_command_returns_what_thePeer_returns_and_its_arguments_can_be_used_again()
    {
        var arguments = new JsonObject { ["text"] = "\"ä\n", ["number"] = ulong.MaxValue };
        for (var i = 0; i < 2; i++)
        {
            var executing = Client.ExecuteAsync("query-x", arguments, ScriptedQmpPeer.Deadline());
            var sent = await Peer.AnswerAsync("query-x", """{"status": "running", "n": [1, 2]}""");
            sent.GetProperty("arguments").GetProperty("text").GetString().ShouldBe("\"ä\n");
            sent.GetProperty("arguments").GetProperty("number").GetUInt64().ShouldBe(ulong.MaxValue);
            var value = await executing;
            value.GetProperty("status").GetString().ShouldBe("running");
            value.GetProperty("n")[1].GetInt32().ShouldBe(2);
        }
    }

    [Test]
    public async Task An_error_reply_is_an_exception_and_the_connection_goes_on()
    {
        var refused = Client.ExecuteAsync("migrate", new JsonObject { ["uri"] = "x:y" }, ScriptedQmpPeer.Deadline());
        await Peer.RefuseAsync(await Peer.ReadCommandAsync(), "GenericError", "unknown migration protocol: x:y");
        var error = await Should.ThrowAsync<QmpCommandException>(refused);
        error.ErrorClass.ShouldBe("GenericError");
        error.Description.ShouldBe("unknown migration protocol: x:y");
        error.Command.ShouldBe("migrate");
        error.Sent.ShouldContain("\"uri\":\"x:y\"");
        error.Message.ShouldStartWith("source refused 'migrate': GenericError: unknown migration protocol");
        await AssertUsableAsync();
    }

    [Test]
    public async Task Replies_out_of_order_find_their_commands()
    {
        var first = Client.ExecuteAsync("first", null, ScriptedQmpPeer.Deadline());
        var second = Client.ExecuteOutOfBandAsync("second", null, ScriptedQmpPeer.Deadline());
        var sentFirst = await Peer.ReadCommandAsync();
        var sentSecond = await Peer.ReadCommandAsync();
        sentSecond.TryGetProperty("exec-oob", out var _).ShouldBeTrue();
        await Peer.ReturnAsync(sentSecond, "2");
        (await second).GetInt32().ShouldBe(2);
        first.IsCompleted.ShouldBeFalse();
        await Peer.ReturnAsync(sentFirst, "1");
        (await first).GetInt32().ShouldBe(1);
    }

    [Test]
    public async Task An_event_between_command_and_reply_is_logged_before_the_command_returns()
    {
        var executing = Client.ExecuteAsync("stop", null, ScriptedQmpPeer.Deadline());
        var sent = await Peer.ReadCommandAsync();
        await Peer.SendEventAsync("STOP");
        await Peer.ReturnAsync(sent);
        await executing;
        Client.Events.ShouldHaveSingleItem().Name.ShouldBe("STOP");
    }

    [Test]
    public async Task Many_commands_at_once_each_get_their_own_reply_and_at_most_8_are_in_band_at_thePeer()
    {
        const int Count = 200;
        var commands = Enumerable.Range(0, Count).Select(i => Task.Run(() => Client.ExecuteAsync($"c{i}", null, ScriptedQmpPeer.Deadline()))).ToArray();
        var held = new List<System.Text.Json.JsonElement>();
        for (var answered = 0; answered < Count;)
        {
            // As QEMU's own queue: eight are taken, and only then answered, the last first.
            for (var i = 0; i < Math.Min(8, Count - answered); i++)
                held.Add(await Peer.ReadCommandAsync());
            Peer.Socket.Available.ShouldBe(0);
            foreach (var command in Enumerable.Reverse(held))
                await Peer.ReturnAsync(command, $"\"{ScriptedQmpPeer.NameOf(command)}\"");
            answered += held.Count;
            held.Clear();
        }
        var values = await Task.WhenAll(commands);
        values.Select(value => value.GetString()).ShouldBe(Enumerable.Range(0, Count).Select(i => $"c{i}"));
    }

    [Test]
    public async Task An_out_of_band_command_passes_a_full_queue()
    {
        var waiting = Enumerable.Range(0, 9).Select(_ => Client.ExecuteAsync("slow", null, ScriptedQmpPeer.Deadline())).ToArray();
        var urgent = Client.ExecuteOutOfBandAsync("migrate-pause", null, ScriptedQmpPeer.Deadline());
        for (var i = 0; i < 8; i++)
            ScriptedQmpPeer.NameOf(await Peer.ReadCommandAsync()).ShouldBe("slow");
        await Peer.AnswerAsync("migrate-pause");
        await urgent;
        waiting.ShouldAllBe(task => !task.IsCompleted);
        Peer.Dispose();
        foreach (var task in waiting)
            await Should.ThrowAsync<QmpInterruptedException>(task);
    }

    [Test]
    public async Task A_cancelled_command_leaves_the_connection_usable_and_its_late_reply_is_dropped()
    {
        using var cts = new CancellationTokenSource();
        var cancelled = Client.ExecuteAsync("slow", null, cts.Token);
        var sent = await Peer.ReadCommandAsync();
        await cts.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(cancelled)).CancellationToken.ShouldBe(cts.Token);
        await Peer.ReturnAsync(sent, "\"late\"");
        await AssertUsableAsync();
    }

    [Test]
    public async Task A_command_whose_token_has_fired_is_not_sent()
    {
        await Should.ThrowAsync<OperationCanceledException>(Client.ExecuteAsync("never", null, new CancellationToken(true)));
        await AssertUsableAsync();
    }

    [Test]
    public async Task APeer_that_does_not_read_does_not_hold_a_cancelled_caller_nor_the_disposal()
    {
        var large = new JsonObject { ["text"] = new string('x', 8 * 1024 * 1024) };
        using var cts = new CancellationTokenSource();
        var writing = Client.ExecuteAsync("large", large, cts.Token);
        var queued = Client.ExecuteAsync("behind", null, cts.Token);
        var interrupted = Client.ExecuteAsync("behind", null, ScriptedQmpPeer.Deadline());
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(writing);
        await Should.ThrowAsync<OperationCanceledException>(queued);
        await Client.DisposeAsync();
        await Should.ThrowAsync<QmpInterruptedException>(interrupted);
        (await Client.Closed).Reason.ShouldBe(QmpDisconnectReason.Disposed);
    }

    [Test]
    public async Task A_cancelled_caller_does_not_tear_the_line_that_is_being_written()
    {
        using var cts = new CancellationTokenSource();
        var cancelled = Client.ExecuteAsync("large", new JsonObject { ["text"] = new string('x', 4 * 1024 * 1024) }, cts.Token);
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        (await Peer.AnswerAsync("large")).GetProperty("arguments").GetProperty("text").GetString()!.Length.ShouldBe(4 * 1024 * 1024);
        await AssertUsableAsync();
    }

    [Test]
    public async Task A_caller_that_blocks_behind_a_reply_does_not_stop_the_reading()
    {
        var blocking = Task.Run(async () =>
        {
            await Client.ExecuteAsync("first", null, ScriptedQmpPeer.Deadline());
            using var done = new ManualResetEventSlim();
            var second = Client.ExecuteAsync("second", null, ScriptedQmpPeer.Deadline());
            second.GetAwaiter().OnCompleted(done.Set);
            done.Wait(ScriptedQmpPeer.Deadline());
            await second;
        });
        await Peer.AnswerAsync("first");
        await Peer.AnswerAsync("second");
        await blocking;
    }

    [Test]
    public async Task An_error_without_id_belongs_to_the_only_outstanding_command()
    {
        var executing = Client.ExecuteAsync("odd", null, ScriptedQmpPeer.Deadline());
        await Peer.ReadCommandAsync();
        await Peer.SendLineAsync("""{"error": {"class": "GenericError", "desc": "JSON parse error"}}""");
        (await Should.ThrowAsync<QmpCommandException>(executing)).Description.ShouldBe("JSON parse error");
        await AssertUsableAsync();
    }

    private async Task AssertUsableAsync()
    {
        var executing = Client.ExecuteAsync("query-status", null, ScriptedQmpPeer.Deadline());
        await Peer.AnswerAsync("query-status", "true");
        (await executing).GetBoolean().ShouldBeTrue();
    }
}
