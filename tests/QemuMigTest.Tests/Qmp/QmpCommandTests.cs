using System.Text.Json.Nodes;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpCommandTests
{
    private QmpClient _client = null!;
    private ScriptedQmpPeer _peer = null!;

    [SetUp]
    public async Task Connect() => (_client, _peer) = await ScriptedQmpPeer.ConnectedAsync();

    [TearDown]
    public async Task Disconnect()
    {
        await _client.DisposeAsync();
        _peer.Dispose();
    }

    [Test]
    public async Task A_command_returns_what_the_peer_returns_and_its_arguments_can_be_used_again()
    {
        var arguments = new JsonObject { ["text"] = "\"ä\n", ["number"] = ulong.MaxValue };
        for (var i = 0; i < 2; i++)
        {
            var executing = _client.ExecuteAsync("query-x", arguments, ScriptedQmpPeer.Deadline());
            var sent = await _peer.AnswerAsync("query-x", """{"status": "running", "n": [1, 2]}""");
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
        var refused = _client.ExecuteAsync("migrate", new JsonObject { ["uri"] = "x:y" }, ScriptedQmpPeer.Deadline());
        await _peer.RefuseAsync(await _peer.ReadCommandAsync(), "GenericError", "unknown migration protocol: x:y");
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
        var first = _client.ExecuteAsync("first", null, ScriptedQmpPeer.Deadline());
        var second = _client.ExecuteOutOfBandAsync("second", null, ScriptedQmpPeer.Deadline());
        var sentFirst = await _peer.ReadCommandAsync();
        var sentSecond = await _peer.ReadCommandAsync();
        sentSecond.TryGetProperty("exec-oob", out var _).ShouldBeTrue();
        await _peer.ReturnAsync(sentSecond, "2");
        (await second).GetInt32().ShouldBe(2);
        first.IsCompleted.ShouldBeFalse();
        await _peer.ReturnAsync(sentFirst, "1");
        (await first).GetInt32().ShouldBe(1);
    }

    [Test]
    public async Task An_event_between_command_and_reply_is_logged_before_the_command_returns()
    {
        var executing = _client.ExecuteAsync("stop", null, ScriptedQmpPeer.Deadline());
        var sent = await _peer.ReadCommandAsync();
        await _peer.SendEventAsync("STOP");
        await _peer.ReturnAsync(sent);
        await executing;
        _client.Events.ShouldHaveSingleItem().Name.ShouldBe("STOP");
    }

    [Test]
    public async Task Many_commands_at_once_each_get_their_own_reply_and_at_most_8_are_in_band_at_the_peer()
    {
        const int Count = 200;
        var commands = Enumerable.Range(0, Count).Select(i => Task.Run(() => _client.ExecuteAsync($"c{i}", null, ScriptedQmpPeer.Deadline()))).ToArray();
        var held = new List<System.Text.Json.JsonElement>();
        for (var answered = 0; answered < Count;)
        {
            // As QEMU's own queue: eight are taken, and only then answered, the last first.
            for (var i = 0; i < Math.Min(8, Count - answered); i++)
                held.Add(await _peer.ReadCommandAsync());
            _peer.Socket.Available.ShouldBe(0);
            foreach (var command in Enumerable.Reverse(held))
                await _peer.ReturnAsync(command, $"\"{ScriptedQmpPeer.NameOf(command)}\"");
            answered += held.Count;
            held.Clear();
        }
        var values = await Task.WhenAll(commands);
        values.Select(value => value.GetString()).ShouldBe(Enumerable.Range(0, Count).Select(i => $"c{i}"));
    }

    [Test]
    public async Task An_out_of_band_command_passes_a_full_queue()
    {
        var waiting = Enumerable.Range(0, 9).Select(_ => _client.ExecuteAsync("slow", null, ScriptedQmpPeer.Deadline())).ToArray();
        var urgent = _client.ExecuteOutOfBandAsync("migrate-pause", null, ScriptedQmpPeer.Deadline());
        for (var i = 0; i < 8; i++)
            ScriptedQmpPeer.NameOf(await _peer.ReadCommandAsync()).ShouldBe("slow");
        await _peer.AnswerAsync("migrate-pause");
        await urgent;
        waiting.ShouldAllBe(task => !task.IsCompleted);
        _peer.Dispose();
        foreach (var task in waiting)
            await Should.ThrowAsync<QmpInterruptedException>(task);
    }

    [Test]
    public async Task A_cancelled_command_leaves_the_connection_usable_and_its_late_reply_is_dropped()
    {
        using var cts = new CancellationTokenSource();
        var cancelled = _client.ExecuteAsync("slow", null, cts.Token);
        var sent = await _peer.ReadCommandAsync();
        await cts.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(cancelled)).CancellationToken.ShouldBe(cts.Token);
        await _peer.ReturnAsync(sent, "\"late\"");
        await AssertUsableAsync();
    }

    [Test]
    public async Task A_command_whose_token_has_fired_is_not_sent()
    {
        await Should.ThrowAsync<OperationCanceledException>(_client.ExecuteAsync("never", null, new CancellationToken(true)));
        await AssertUsableAsync();
    }

    [Test]
    public async Task A_peer_that_does_not_read_does_not_hold_a_cancelled_caller_nor_the_disposal()
    {
        var large = new JsonObject { ["text"] = new string('x', 8 * 1024 * 1024) };
        using var cts = new CancellationTokenSource();
        var writing = _client.ExecuteAsync("large", large, cts.Token);
        var queued = _client.ExecuteAsync("behind", null, cts.Token);
        var interrupted = _client.ExecuteAsync("behind", null, ScriptedQmpPeer.Deadline());
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(writing);
        await Should.ThrowAsync<OperationCanceledException>(queued);
        await _client.DisposeAsync();
        await Should.ThrowAsync<QmpInterruptedException>(interrupted);
        (await _client.Closed).Reason.ShouldBe(QmpDisconnectReason.Disposed);
    }

    [Test]
    public async Task A_cancelled_caller_does_not_tear_the_line_that_is_being_written()
    {
        using var cts = new CancellationTokenSource();
        var cancelled = _client.ExecuteAsync("large", new JsonObject { ["text"] = new string('x', 4 * 1024 * 1024) }, cts.Token);
        await cts.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        (await _peer.AnswerAsync("large")).GetProperty("arguments").GetProperty("text").GetString()!.Length.ShouldBe(4 * 1024 * 1024);
        await AssertUsableAsync();
    }

    [Test]
    public async Task A_caller_that_blocks_behind_a_reply_does_not_stop_the_reading()
    {
        var blocking = Task.Run(async () =>
        {
            await _client.ExecuteAsync("first", null, ScriptedQmpPeer.Deadline());
            using var done = new ManualResetEventSlim();
            var second = _client.ExecuteAsync("second", null, ScriptedQmpPeer.Deadline());
            second.GetAwaiter().OnCompleted(done.Set);
            done.Wait(ScriptedQmpPeer.Deadline());
            await second;
        });
        await _peer.AnswerAsync("first");
        await _peer.AnswerAsync("second");
        await blocking;
    }

    [Test]
    public async Task An_error_without_id_belongs_to_the_only_outstanding_command()
    {
        var executing = _client.ExecuteAsync("odd", null, ScriptedQmpPeer.Deadline());
        await _peer.ReadCommandAsync();
        await _peer.SendLineAsync("""{"error": {"class": "GenericError", "desc": "JSON parse error"}}""");
        (await Should.ThrowAsync<QmpCommandException>(executing)).Description.ShouldBe("JSON parse error");
        await AssertUsableAsync();
    }

    private async Task AssertUsableAsync()
    {
        var executing = _client.ExecuteAsync("query-status", null, ScriptedQmpPeer.Deadline());
        await _peer.AnswerAsync("query-status", "true");
        (await executing).GetBoolean().ShouldBeTrue();
    }
}
