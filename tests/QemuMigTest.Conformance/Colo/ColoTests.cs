using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Colo;

/// <summary>COLO with the guest's memory alone: no replicated disk, no compared packets. A failover of the primary is that the secondary is lost and the
/// primary goes on; one of the secondary that the primary is lost and the secondary takes over. With a checkpoint it happens while one is under way, else after a whole one.</summary>
[RequiresCapability("x-colo"), RequiresCommand("x-colo-lost-heartbeat"), RequiresSameVersion("COLO keeps two QEMUs of one version in step")]
public sealed class ColoTests : MigrationFixture
{
    private const int Abort = 6;
    private const int Checkpoints = 3;

    // Milliseconds. With the long one, which is QEMU's own, no checkpoint comes of itself within a test.
    private const int Delay = 300;
    private const int LongDelay = 20_000;

    [MigrationTest("/migration/colo/plain/primary_failover", "", false)]
    [MigrationTest("/migration/colo/plain/primary_failover_checkpoint", "", true)]
    [MigrationTest("/migration/colo/multifd/primary_failover", "multifd", false)]
    [MigrationTest("/migration/colo/multifd/primary_failover_checkpoint", "multifd", true)]
    public Task The_primary_goes_on_when_the_secondary_is_lost([Capabilities] string more, bool checkpoint, CancellationToken ct) =>
        FailOverAsync(pair => pair.Source, more, checkpoint, ct);

    [MigrationTest("/migration/colo/plain/secondary_failover", "", false)]
    [MigrationTest("/migration/colo/plain/secondary_failover_checkpoint", "", true)]
    [MigrationTest("/migration/colo/multifd/secondary_failover", "multifd", false)]
    [MigrationTest("/migration/colo/multifd/secondary_failover_checkpoint", "multifd", true)]
    public Task The_secondary_takes_over_when_the_primary_is_lost([Capabilities] string more, bool checkpoint, CancellationToken ct) =>
        FailOverAsync(pair => pair.Destination, more, checkpoint, ct);

    private async Task FailOverAsync(Func<MigrationPair, MigrationSide> survivor, string more, bool checkpoint, CancellationToken ct)
    {
        if (!Environment.IsQ35 && Quirks.ColoCheckpointAborts(Environment.Destination.Version))
        {
            Skip("machine type q35, or QEMU 8.0", new(Environment.MachineType, "7.2 does not come to an end of a checkpoint on pc; on q35 its secondary aborts (docs/findings.md)"));
        }

        var pair = await StartPairAsync(Options(more), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        if (Quirks.ColoUnreachable(Environment.Source.Version))
        {
            await SeeTheSourceCompleteAsync(pair, migration, ct);
            return;
        }

        if (Quirks.ColoCheckpointAborts(Environment.Destination.Version))
        {
            await SeeNoCheckpointAsync(pair, migration, ct);
            return;
        }

        await migration.WaitForColoAsync(ct);
        for (var seen = 0; seen < Checkpoints; seen++)
        {
            var (primary, secondary) = (pair.Source.Serial.Position, pair.Destination.Serial.Position);
            await migration.WaitForCheckpointAsync(ct);
            await pair.Source.Serial.WaitForAsync('B', primary, ct);
            await pair.Destination.Serial.WaitForAsync('B', secondary, ct);
        }

        await migration.SetCheckpointDelayAsync(LongDelay, ct);
        await migration.CheckpointAsync(ct);
        // The timer goes on through the failover.
        await migration.SetCheckpointDelayAsync(Delay, ct);
        await migration.WaitForCheckpointAsync(ct);
        if (checkpoint)
        {
            await migration.WaitForCheckpointToBeginAsync(ct);
        }

        if (survivor(pair) == pair.Destination && pair.Options.Capabilities.Contains(MigrationCapability.Multifd) && Quirks.ColoTakesLatePackets(Environment.Destination.Version))
        {
            await TakeInWhatWasSentAsync(pair, ct);
        }

        await migration.FailOverAsync(survivor(pair), ct);
    }

    // What a packet does that is taken in after the failover is for the path that holds it back (late).
    private static async Task TakeInWhatWasSentAsync(MigrationPair pair, CancellationToken ct)
    {
        pair.Source.Process.Child.Signal(Signum.SIGSTOP).ShouldBeTrue();
        await pair.Destination.Process.WaitForThreadsAsleepAsync(MultifdThreads.Receives, "the packets of multifd that are there to be taken in", ct);
    }

    // The source completes, and leaves a secondary in COLO that has lost it: told so, that one takes over.
    private static async Task SeeTheSourceCompleteAsync(MigrationPair pair, MigrationRun migration, CancellationToken ct)
    {
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        var exit = await pair.Destination.WaitForEventAsync("COLO_EXIT", migration.DestinationEvents, ct);
        exit.Data.GetProperty("mode").GetString().ShouldBe("secondary");
        exit.Data.GetProperty("reason").GetString().ShouldBe("error");
        await pair.Destination.ExecuteAsync("x-colo-lost-heartbeat", null, ct);
        await migration.CompleteAsync(ct);
        NoteFault(Quirks.ColoUnreachableShown);
    }

    // The primary is of no use afterwards: it holds QEMU's lock and waits for the secondary, or for its own vCPU.
    private async Task SeeNoCheckpointAsync(MigrationPair pair, MigrationRun migration, CancellationToken ct)
    {
        Release(pair);
        try
        {
            await migration.WaitForColoAsync(ct);
            await migration.WaitForCheckpointAsync(ct);
        }
        catch (QemuExitedException ended)
        {
            ended.Name.ShouldBe(pair.Destination.Name);
            ended.Status.Signal.ShouldBe(Abort);
            ended.Stderr.ShouldContain(Quirks.ColoCheckpointAssertion);
            NoteFault(Quirks.ColoCheckpointAbortsShown);
            return;
        }
        catch (WaitTimeoutException late)
        {
            late.What.ShouldBe(MigrationRun.EndOfCheckpoint);
            (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("colo", false), "its guest is stopped for a checkpoint");
            NoteFault(Quirks.ColoCheckpointAbortsShown);
            return;
        }

        Assert.Fail($"a checkpoint was made: this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.ColoCheckpointAborts)} says it has");
    }

    private PairOptions Options(string more)
    {
        MigrationCapability[] returnPath = Quirks.ColoWantsReturnPath(Environment.Source.Version) ? [MigrationCapability.ReturnPath] : [];
        return new()
        {
            Convergence = Convergence.Allowed,
            SourceParameters = new JsonObject { ["x-checkpoint-delay"] = Delay },
            Capabilities = [MigrationCapability.Colo, .. returnPath, .. MigrationCapability.Several(more)],
        };
    }
}
