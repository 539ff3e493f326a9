using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

// COLO (since 2.8): the source is the primary, the destination the secondary, and both run the guest.
public sealed partial class MigrationRun
{
    private const ulong CheckpointMarker = 0xc010_0000_0000_0000;
    /// <summary>What a checkpoint that does not come to its end is waited for by, in errors.</summary>
    public const string EndOfCheckpoint = "event RESUME after the checkpoint";

    private const string CheckpointDelay = "x-checkpoint-delay";
    private const int MostRequests = 10;
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(1);
    private ulong _checkpoints;

    /// <summary>Waits until both sides are in COLO and run.</summary>
    /// <exception cref="MigrationFailedException">The migration ended instead.</exception>
    public Task WaitForColoAsync(CancellationToken ct) => WatchAsync(async token =>
    {
        foreach (var (side, events, mode) in new[] { (Source, SourceEvents, "primary"), (Destination, DestinationEvents, "secondary") })
        {
            await side.WaitForStatusAsync(MigrationStatus.Colo, ct: token);
            await side.WaitForEventAsync("RESUME", events, token);
            var status = await side.ExecuteAsync("query-colo-status", null, token);
            if (status.GetProperty("mode").GetString() != mode)
            {
                throw new QemuMigTestException($"{side.Name}: its migration status is colo, and query-colo-status should say mode {mode}; it says {status}");
            }
        }
    }, ct);

    /// <summary>Waits for COLO's next checkpoint: what the primary's memory holds now, the secondary's holds after it, and both run.</summary>
    /// <exception cref="QemuMigTestException">The secondary's memory is not the primary's.</exception>
    public Task WaitForCheckpointAsync(CancellationToken ct) => SeeCheckpointAsync(_ => Task.CompletedTask, ct);

    /// <summary>Has COLO make a checkpoint, and sees it as <see cref="WaitForCheckpointAsync"/> does.</summary>
    /// <exception cref="QemuMigTestException">The secondary's memory is not the primary's.</exception>
    public Task CheckpointAsync(CancellationToken ct) => SeeCheckpointAsync(async token =>
    {
        // COLO makes one whenever the delay between them is set, also to what it is.
        var now = (await Source.QueryParametersAsync(token))[CheckpointDelay]!.GetValue<long>();
        var events = Source.EventPosition;
        for (var left = MostRequests; ; left--)
        {
            await SetCheckpointDelayAsync(now, token);
            try
            {
                await Source.Process.WhileAliveAsync("event STOP of a checkpoint", RequestLimit, inner => Source.Process.Qmp.Events.WaitAsync(e => e.Name == "STOP", events, "event STOP", inner), token);
                return;
            }
            catch (WaitTimeoutException) when (left > 0)
            {
                // QEMU forgets a request that comes as another checkpoint begins.
            }
        }
    }, ct);

    /// <summary>Sets the delay between checkpoints, in milliseconds; the first comes at once.</summary>
    public Task SetCheckpointDelayAsync(long milliseconds, CancellationToken ct) => Source.SetParametersAsync(new JsonObject { [CheckpointDelay] = milliseconds }, ct);

    /// <summary>Waits until the secondary has stopped for a checkpoint: the primary does next.</summary>
    public Task WaitForCheckpointToBeginAsync(CancellationToken ct)
    {
        var events = Destination.EventPosition;
        return WatchAsync(token => Destination.WaitForEventAsync("STOP", events, token), ct);
    }

    /// <summary>The survivor drops the channel (yank, out of band) while the other side lives, and is told that it is alone (x-colo-lost-heartbeat): the guest goes on there. Then the other's QEMU is killed.</summary>
    /// <param name="survivor">The source, for a failover of the primary: it goes on alone. The destination, for one of the secondary: it takes over.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="QemuMigTestException">The survivor says that it left COLO for another reason.</exception>
    public Task FailOverAsync(MigrationSide survivor, CancellationToken ct) => FailOverAsync(survivor, () => { }, ct);

    /// <summary>As the other, with something that happens as soon as the survivor says that it is out of COLO.</summary>
    /// <inheritdoc cref="FailOverAsync(MigrationSide, CancellationToken)"/>
    public async Task FailOverAsync(MigrationSide survivor, Action onceAlone, CancellationToken ct)
    {
        var other = survivor == Source ? Destination : Source;
        var events = survivor.EventPosition;
        await PairWatch.WhileAliveAsync($"the failover of migration {Number}", async token =>
        {
            await survivor.YankAsync(token);
            await SeeFailOverAsync(survivor, onceAlone, events, token);
        }, ct, survivor, other);
        await Pair.LoseAsync(other, ct);
        await survivor.Serial.WaitForAsync('B', survivor.Serial.Position, ct);
        if (survivor == Destination)
        {
            Pair.HandOver();
        }

        Outcome = MigrationOutcome.FailedOver;
        Result = await survivor.QueryMigrateAsync(ct);
    }

    private async Task SeeFailOverAsync(MigrationSide survivor, Action onceAlone, int events, CancellationToken ct)
    {
        var mode = survivor == Source ? "primary" : "secondary";
        var told = survivor.ExecuteAsync("x-colo-lost-heartbeat", null, ct);
        var completes = survivor.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, events, "migration status completed", ct);
        // The reply may wait for what the caller holds back; a refusal comes at once.
        await await Task.WhenAny(told, completes);
        var completed = await completes;
        await survivor.Process.WaitForEventAsync(e => e.Name == "COLO_EXIT" && e.Data.GetProperty("mode").GetString() == mode, events, $"event COLO_EXIT of the {mode}", ct);
        onceAlone();
        await told;
        await survivor.WaitForEventAsync("RESUME", completed.Position, ct);
        var status = await survivor.ExecuteAsync("query-colo-status", null, ct);
        if ((status.GetProperty("mode").GetString(), status.GetProperty("last-mode").GetString(), status.GetProperty("reason").GetString()) != ("none", mode, "request"))
        {
            throw new QemuMigTestException($"{survivor.Name}: after the failover query-colo-status should say mode none, last-mode {mode}, reason request; it says {status}");
        }

        await survivor.Serial.WaitForAsync('B', survivor.Serial.Position, ct);
    }

    private Task SeeCheckpointAsync(Func<CancellationToken, Task> cause, CancellationToken ct) => WatchAsync(async token =>
    {
        var marker = CheckpointMarker + ++_checkpoints;
        MarkPage(marker);
        // An answer comes behind the events of before it: a STOP that is seen from here on was not before the mark.
        await Source.QueryStatusAsync(token);
        var (source, destination) = (Source.EventPosition, Destination.EventPosition);
        await cause(token);
        // The secondary stops before the primary does: by their times, for one that was under way may have missed the marker.
        var stopped = await Source.WaitForEventAsync("STOP", source, token);
        await Destination.Process.WaitForEventAsync(e => e.Name == "RESUME" && e.Timestamp >= stopped.Timestamp, destination, EndOfCheckpoint, token);
        await Source.WaitForEventAsync("RESUME", stopped.Position, token);
        var seen = Destination.Process.QTest!.ReadUInt64(MarkerAddress);
        if (seen != marker)
        {
            throw new QemuMigTestException($"{Destination.Name}: after the checkpoint the page at 0x{MarkerAddress:x} should hold 0x{marker:x}, as the primary's does; it holds 0x{seen:x}");
        }
    }, ct);
}
