using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A guest that was throttled for a migration goes at its own speed afterwards, whatever became of the migration.</summary>
[RequiresCapability("auto-converge")]
public sealed class ThrottleTests : AftermathFixture
{
    private const int Throttle = 90;
    private const int Passes = 40;
    private const int ThrottledPasses = 6;

    // A thread that is let go sleeps only while it waits for QEMU's lock; one that is throttled by 90 % does for 90 % of the time, less where the timer that sends it to sleep is late.
    private const double MostAsleep = 0.5;

    // A pass costs the same before and after; twice as much is what a machine does whose cache is another's.
    private const double MostCostlier = 2.5;

    [MigrationTest("/migration/aftermath/throttle/completed")]
    public Task The_guest_is_let_go_when_the_migration_has_completed(CancellationToken ct) => LetGoAsync(async (pair, migration) =>
    {
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }, ct);

    [MigrationTest("/migration/aftermath/throttle/cancelled")]
    public Task The_guest_is_let_go_when_the_migration_was_cancelled(CancellationToken ct) => LetGoAsync((_, migration) => migration.CancelAsync(DestinationEnd.Exits(), ct), ct);

    [MigrationTest("/migration/aftermath/throttle/failed")]
    public Task The_guest_is_let_go_when_the_migration_has_failed(CancellationToken ct) => LetGoAsync(async (pair, migration) =>
    {
        await pair.LoseAsync(pair.Destination, ct);
        await migration.FailAsync("", DestinationEnd.Stays, ct);
    }, ct);

    // 2 s: QEMU looks at the dirty rate once a second, and throttles when it was too high twice.
    private async Task LetGoAsync(Func<MigrationPair, MigrationRun, Task> end, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.AutoConverge],
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Throttle, ["max-cpu-throttle"] = Throttle },
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
        }, ct);
        var before = await GuestSpeed.MeasureAsync(pair.Source, Passes, ct);
        before.Asleep.ShouldBeLessThan(MostAsleep, $"nothing throttles the guest yet: {before}");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForInfoAsync($"a CPU throttle of {Throttle} %", info => info.CpuThrottle == Throttle, ct);
        // A guest that is slow enough would be let go before it is measured.
        await pair.SetConvergenceAsync(Convergence.Held, ct);
        GuestSpeed? throttled = null;
        // The timer that sends the vCPU to sleep is the main loop's, which waits for a processor like others.
        await Poll.UntilAsync(pair.Source.Name, $"the guest to be throttled by {Throttle} %", async token => (throttled = await GuestSpeed.MeasureAsync(pair.Source, ThrottledPasses, token)).Asleep > MostAsleep ? pair : null,
            () => $"{throttled}", pair.Environment.Limits.Step, ct);

        await end(pair, migration);
        // A sleep that had begun goes on to its end.
        await GuestSpeed.MeasureAsync(pair.Holder, ThrottledPasses, ct);
        var after = await GuestSpeed.MeasureAsync(pair.Holder, Passes, ct);
        after.Asleep.ShouldBeLessThan(MostAsleep, $"nothing throttles the guest any more: {after}; before: {before}; throttled: {throttled}");
        after.CpuPerPass.ShouldBeLessThan(before.CpuPerPass * MostCostlier, $"the guest goes as before: {after}; before: {before}");
    }
}
