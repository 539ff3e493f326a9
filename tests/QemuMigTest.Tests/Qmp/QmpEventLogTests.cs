using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpEventLogTests
{
    private readonly QmpEventLog _log = new("destination");

    [Test]
    public async Task An_event_that_is_there_already_is_found()
    {
        Append("STOP");
        Append("RESUME");
        (await Wait("RESUME", 0)).Position.ShouldBe(1);
        (await Wait("STOP", 0)).Position.ShouldBe(0);
    }

    [Test]
    public async Task An_event_before_the_position_is_not_found()
    {
        Append("STOP");
        var waiting = Wait("STOP", _log.Position);
        waiting.IsCompleted.ShouldBeFalse();
        Append("STOP");
        (await waiting).Position.ShouldBe(1);
    }

    [Test]
    public async Task Two_waiters_do_not_eat_each_others_events()
    {
        var waiting = new[] { Wait("STOP", 0), Wait("STOP", 0), Wait("RESUME", 0) };
        Append("STOP");
        Append("RESUME");
        (await Task.WhenAll(waiting)).Select(e => e.Position).ShouldBe([0, 0, 1]);
        _log.Count.ShouldBe(2);
    }

    [Test]
    public async Task A_listener_finds_what_came_since_it_was_made_one_after_the_other()
    {
        Append("STOP");
        var listener = _log.Listen("STOP");
        Append("RESUME");
        Append("STOP");
        Append("STOP");
        (await listener.WaitAsync(ScriptedQmpPeer.Deadline())).Position.ShouldBe(2);
        (await listener.WaitAsync(ScriptedQmpPeer.Deadline())).Position.ShouldBe(3);
    }

    [Test]
    public async Task The_end_of_the_connection_ends_a_wait_and_says_what_was_seen_last()
    {
        Append("MIGRATION");
        var waiting = Wait("STOP", 0);
        _log.End(new QmpDisconnect(QmpDisconnectReason.CleanEnd, null));
        var error = await Should.ThrowAsync<QmpInterruptedException>(waiting);
        error.Message.ShouldBe("destination: QEMU closed the QMP connection while waiting for STOP; the last event seen was MIGRATION {\"n\":1} at 2.500 s (position 0)");
        (await Wait("MIGRATION", 0)).Position.ShouldBe(0, "what is in the log is found after the end too");
        await Should.ThrowAsync<QmpInterruptedException>(Wait("STOP", 0));
    }

    [Test]
    public async Task A_wait_can_be_cancelled_and_the_next_one_still_finds_the_event()
    {
        using var cts = new CancellationTokenSource();
        var waiting = _log.WaitAsync(e => true, 0, "anything", cts.Token);
        await cts.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(waiting)).CancellationToken.ShouldBe(cts.Token);
        Append("STOP");
        (await Wait("STOP", 0)).Name.ShouldBe("STOP");
    }

    [Test]
    public async Task What_the_match_throws_reaches_its_own_caller_only()
    {
        var failing = _log.WaitAsync(e => throw new InvalidDataException("no"), 0, "x", ScriptedQmpPeer.Deadline());
        var waiting = Wait("STOP", 0);
        Append("STOP");
        await Should.ThrowAsync<InvalidDataException>(failing);
        (await waiting).Position.ShouldBe(0);
    }

    [Test]
    public async Task No_wake_up_is_lost_between_one_writer_and_many_waiters()
    {
        const int Count = 2000;
        var waiters = Enumerable.Range(0, 8).Select(w => Task.Run(async () =>
        {
            for (var position = 0; position < Count; position++)
                (await _log.WaitAsync(_ => true, position, "the next", ScriptedQmpPeer.Deadline())).Position.ShouldBe(position);
        })).ToArray();
        for (var i = 0; i < Count; i++)
            Append("E");
        await Task.WhenAll(waiters);
    }

    [Test]
    public void A_waiter_does_not_run_in_the_thread_that_appends()
    {
        using var done = new ManualResetEventSlim();
        var thread = 0;
        Wait("STOP", 0).GetAwaiter().OnCompleted(() =>
        {
            thread = Environment.CurrentManagedThreadId;
            done.Set();
        });
        Append("STOP");
        done.Wait(ScriptedQmpPeer.Deadline());
        thread.ShouldNotBe(Environment.CurrentManagedThreadId);
    }

    [Test]
    public async Task An_event_carries_the_peers_time_and_ours_and_its_data()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        var listener = client.Events.Listen("MIGRATION");
        await peer.SendEventAsync("MIGRATION", """{"status": "active"}""", 1_700_000_000, 999_999);
        await peer.SendLineAsync("""{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "STOP"}""");
        var e = await listener.WaitAsync(ScriptedQmpPeer.Deadline());
        e.Data.GetProperty("status").GetString().ShouldBe("active");
        e.Timestamp.ShouldBe(new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero).AddTicks(9_999_990));
        e.Received.ShouldBeGreaterThan(TimeSpan.Zero);
        var stop = await client.Events.WaitAsync(e => e.Name == "STOP", 0, "STOP", ScriptedQmpPeer.Deadline());
        stop.Data.ValueKind.ShouldBe(JsonValueKind.Object);
    }

    private void Append(string name) => _log.Append(name, JsonElement.Parse("{\"n\":1}"), DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(2.5));

    private Task<QmpEvent> Wait(string name, int from) => _log.WaitAsync(e => e.Name == name, from, name, ScriptedQmpPeer.Deadline());
}
