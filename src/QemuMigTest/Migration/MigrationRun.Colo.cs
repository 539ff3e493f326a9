using System.Text.Json.Nodes;

namespace QemuMigTest.Migration;

// COLO (since 2.8): the source is the primary, the destination the secondary, and both run the guest.
public sealed partial class MigrationRun
{
    private const ulong CheckpointMarker = 0xc010_0000_0000_0000;
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

    /// <summary>Has COLO make a checkpoint: what the primary's memory holds before it, the secondary's holds after it, and both run.</summary>
    /// <exception cref="QemuMigTestException">The secondary's memory is not the primary's.</exception>
    public Task CheckpointAsync(CancellationToken ct) => WatchAsync(async token =>
    {
        var marker = CheckpointMarker + ++_checkpoints;
        MarkPage(marker);
        var positions = new[] { (Side: Source, Events: Source.EventPosition), (Side: Destination, Events: Destination.EventPosition) };
        await RequestCheckpointAsync(token);
        foreach (var (side, events) in positions)
        {
            var stopped = await side.WaitForEventAsync("STOP", events, token);
            await side.WaitForEventAsync("RESUME", stopped.Position, token);
        }

        var seen = Destination.Process.QTest!.ReadUInt64(MarkerAddress);
        if (seen != marker)
        {
            throw new QemuMigTestException($"{Destination.Name}: after the checkpoint the page at 0x{MarkerAddress:x} should hold 0x{marker:x}, as the primary's does; it holds 0x{seen:x}");
        }
    }, ct);

    /// <summary>Has COLO begin a checkpoint, and waits until the primary has stopped for it.</summary>
    public Task BeginCheckpointAsync(CancellationToken ct) => WatchAsync(async token =>
    {
        var events = Source.EventPosition;
        await RequestCheckpointAsync(token);
        await Source.WaitForEventAsync("STOP", events, token);
    }, ct);

    /// <summary>One side's QEMU is killed and the other is told (x-colo-lost-heartbeat): the guest goes on there, and only there.</summary>
    /// <param name="survivor">The source, for a failover of the primary: it goes on alone. The destination, for one of the secondary: it takes over.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="QemuMigTestException">The survivor says that it left COLO for another reason.</exception>
    public async Task FailOverAsync(MigrationSide survivor, CancellationToken ct)
    {
        var mode = survivor == Source ? "primary" : "secondary";
        var events = survivor.EventPosition;
        await Pair.LoseAsync(survivor == Source ? Destination : Source, ct);
        await PairWatch.WhileAliveAsync($"the failover of migration {Number}", async token =>
        {
            await survivor.ExecuteAsync("x-colo-lost-heartbeat", null, token);
            var completed = await survivor.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, events, "migration status completed", token);
            await survivor.Process.WaitForEventAsync(e => e.Name == "COLO_EXIT" && e.Data.GetProperty("mode").GetString() == mode, events, $"event COLO_EXIT of the {mode}", token);
            await survivor.WaitForEventAsync("RESUME", completed.Position, token);
            var status = await survivor.ExecuteAsync("query-colo-status", null, token);
            if ((status.GetProperty("mode").GetString(), status.GetProperty("last-mode").GetString(), status.GetProperty("reason").GetString()) != ("none", mode, "request"))
            {
                throw new QemuMigTestException($"{survivor.Name}: after the failover query-colo-status should say mode none, last-mode {mode}, reason request; it says {status}");
            }

            await survivor.Serial.WaitForAsync('B', survivor.Serial.Position, token);
        }, ct, survivor);
        if (survivor == Destination)
        {
            Pair.HandOver();
        }

        Outcome = MigrationOutcome.FailedOver;
        Result = await survivor.QueryMigrateAsync(ct);
    }

    // COLO makes a checkpoint whenever the delay between them is set, also to what it is.
    private async Task RequestCheckpointAsync(CancellationToken ct)
    {
        const string Delay = "x-checkpoint-delay";
        var now = (await Source.ExecuteAsync("query-migrate-parameters", null, ct)).GetProperty(Delay).GetInt64();
        await Source.ExecuteAsync("migrate-set-parameters", new JsonObject { [Delay] = now }, ct);
    }
}
