using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Throttling;

[RequiresCapability("auto-converge")]
public sealed class AutoConvergeTests : MigrationFixture
{
    private const int Initial = 5;
    private const int Increment = 25;
    private const int Most = 95;

    // Less than the first increment would make it.
    private const int LowMost = 29;

    // 8 s: QEMU looks at the dirty rate once a second, and throttles, and raises that, when it was too high twice.
    [MigrationTest("/migration/auto_converge")]
    public async Task The_guest_is_throttled_step_by_step_until_it_may_move(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.AutoConverge, MigrationCapability.PauseBeforeSwitchover],
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Initial, ["cpu-throttle-increment"] = Increment, ["max-cpu-throttle"] = LowMost },
            Convergence = Convergence.HeldFast,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        (await WaitForThrottleAsync(migration, 1, ct)).ShouldBe(Initial, "the first throttle is cpu-throttle-initial");
        (await WaitForThrottleAsync(migration, Initial + 1, ct)).ShouldBe(LowMost, "the next would be cpu-throttle-increment more, and is max-cpu-throttle");
        await pair.Source.SetParametersAsync(new JsonObject { ["max-cpu-throttle"] = Most }, ct);
        (await WaitForThrottleAsync(migration, LowMost + 1, ct)).ShouldBe(LowMost + Increment, "the next is cpu-throttle-increment more");
        await migration.AllowConvergenceAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        (await ThrottleAsync(pair, ct)).ShouldBeInRange(LowMost + Increment, Most);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
        (await ThrottleAsync(pair, ct)).ShouldBe(0, "nothing is throttled after the migration");
    }

    // 5 s, as above. By cpu-throttle-increment the second step would be to MostTail; what the guest writes to is a fifth too much, more or less.
    [MigrationTest("/migration/promises/cpu-throttle-tailslow"), RequiresArgument("migrate-set-parameters", "cpu-throttle-tailslow")]
    public async Task A_step_is_smaller_than_the_increment_where_less_is_enough(CancellationToken ct)
    {
        const int MostTail = 85;
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.AutoConverge],
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Initial, ["cpu-throttle-increment"] = MostTail - Initial, ["max-cpu-throttle"] = Most, ["throttle-trigger-threshold"] = 80, ["cpu-throttle-tailslow"] = true },
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        (await WaitForThrottleAsync(migration, 1, ct)).ShouldBe(Initial, "the first throttle is cpu-throttle-initial");
        (await WaitForThrottleAsync(migration, Initial + 1, ct)).ShouldBeLessThan(MostTail, "the next is what would be enough");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static async Task<long> WaitForThrottleAsync(MigrationRun migration, long least, CancellationToken ct) =>
        (await migration.WaitForInfoAsync($"a CPU throttle of {least} % or more", info => info.CpuThrottle >= least, ct)).CpuThrottle;

    private static async Task<long> ThrottleAsync(MigrationPair pair, CancellationToken ct) => (await pair.Source.QueryMigrateAsync(ct)).CpuThrottle;
}
