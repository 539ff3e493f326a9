using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Throttling;

[RequiresCapability("auto-converge")]
public sealed class AutoConvergeTests : MigrationFixture
{
    private const int Initial = 5;
    private const int Increment = 25;
    private const int Most = 95;

    private const string TailSlow = "cpu-throttle-tailslow";

    // Less than the first increment would make it, and than would be enough.
    private const int LowMost = 29;

    private const int PageSize = 4096;
    private const int ThresholdPercent = 15;

    // Pages. In each pass some of the first are written to again when more of them have been sent.
    private const int ManyPages = 1400;
    private const int FirstSent = 480;
    private const int FirstWritten = 450;
    private const int SecondSent = 120;
    private const int SecondWritten = 110;

    // Bytes a second. QEMU sends 131 kB at a time, at least once in each 100 ms: a command has a second and more to come before a pass ends.
    private const long FirstBandwidth = 2_500_000;
    private const long LeastBandwidth = 1_000_000;

    // 8 s: QEMU looks at the dirty rate once a second, and throttles, and raises that, when it was too high twice. 15 s where it syncs the dirty bitmap each 5 s.
    [MigrationTest("/migration/auto_converge")]
    public async Task The_guest_is_throttled_step_by_step_until_it_may_move(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.AutoConverge, MigrationCapability.PauseBeforeSwitchover],
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Initial, ["cpu-throttle-increment"] = Increment, ["max-cpu-throttle"] = LowMost, [TailSlow] = true },
            Convergence = Convergence.HeldFast,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        (await WaitForThrottleAsync(migration, 1, ct)).ShouldBe(Initial, "the first throttle is cpu-throttle-initial");
        (await WaitForThrottleAsync(migration, Initial + 1, ct)).ShouldBe(LowMost, "the next would be cpu-throttle-increment more, also by cpu-throttle-tailslow, and is max-cpu-throttle");
        await pair.Source.SetParametersAsync(new JsonObject { ["max-cpu-throttle"] = Most, [TailSlow] = false }, ct);
        (await WaitForThrottleAsync(migration, LowMost + 1, ct)).ShouldBe(LowMost + Increment, "the next is cpu-throttle-increment more");
        if (Quirks.DirtyBitmapIsSyncedWhileThrottled(Environment.Source.Version))
        {
            await SeeSyncWithinPassAsync(migration, ct);
        }

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
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Initial, ["cpu-throttle-increment"] = MostTail - Initial, ["max-cpu-throttle"] = Most, ["throttle-trigger-threshold"] = 80, [TailSlow] = true },
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        (await WaitForThrottleAsync(migration, 1, ct)).ShouldBe(Initial, "the first throttle is cpu-throttle-initial");
        (await WaitForThrottleAsync(migration, Initial + 1, ct)).ShouldBeLessThan(MostTail, "the next is what would be enough");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // 4 s, as above. The guest stands still, and devices write to a quarter or more of what each pass has sent: by the default, half of it, nothing would be throttled.
    [MigrationTest("/migration/promises/throttle-trigger-threshold"), RequiresArgument("migrate-set-parameters", "throttle-trigger-threshold")]
    public async Task A_guest_is_throttled_that_writes_to_more_than_the_threshold(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.AutoConverge, MigrationCapability.PauseBeforeSwitchover],
            SourceParameters = new JsonObject { ["cpu-throttle-initial"] = Initial, ["throttle-trigger-threshold"] = ThresholdPercent },
            RegionMiB = 1,
        }, ct);
        await pair.StopSourceAsync(ct);
        var pages = new DevicePages(pair);
        pages.FillMany(pages.High, ManyPages, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await WriteAgainAsync(FirstSent, FirstWritten, FirstBandwidth, "in pass 1");
        await migration.WaitForPassAsync(2, ct);
        await WriteAgainAsync(SecondSent, SecondWritten, LeastBandwidth, "in pass 2");
        await migration.WaitForPassAsync(3, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        (await ThrottleAsync(pair, ct)).ShouldBe(Initial, $"two passes of which more than {ThresholdPercent} % was written to again");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        // The first of them, when as many and more have been sent. A pass must last longer than a second to be looked at, and not be over before they are written.
        async Task WriteAgainAsync(int sent, int count, long bandwidth, string when)
        {
            await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = bandwidth }, ct);
            var last = pages.High + (uint)(sent * PageSize);
            var content = pair.Source.Process.QTest!.Read(last, PageSize);
            await migration.WaitForInfoAsync($"the page at 0x{last:x} to be sent", _ => pair.Destination.Process.QTest!.Read(last, PageSize).AsSpan().SequenceEqual(content), ct);
            await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = LeastBandwidth }, ct);
            pages.FillMany(pages.High, count, when);
            await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = bandwidth }, ct);
        }
    }

    // Of a pass that would last for 30 s and more; QEMU looks for it each 5 s.
    private async Task SeeSyncWithinPassAsync(MigrationRun migration, CancellationToken ct)
    {
        const long Long = 30 * LeastBandwidth;
        var source = migration.Pair.Source;
        MigrationInfo before;
        do
        {
            await migration.Pair.SetConvergenceAsync(Convergence.HeldFast, ct);
            var passes = (await source.QueryMigrateAsync(ct)).DirtySyncCount;
            await migration.WaitForInfoAsync("the next pass", info => info.DirtySyncCount > passes, ct);
            await source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = LeastBandwidth }, ct);
            before = await source.QueryMigrateAsync(ct);
        }
        while (before.RamRemaining < Long);

        var after = await migration.WaitForInfoAsync("a sync of the dirty bitmap within a pass of a throttled guest", info => info.DirtySyncCount > before.DirtySyncCount, ct);
        (after.RamTransferred - before.RamTransferred)!.Value.ShouldBeLessThan(before.RamRemaining!.Value, "the pass was not over");
    }

    private static async Task<long> WaitForThrottleAsync(MigrationRun migration, long least, CancellationToken ct) =>
        (await migration.WaitForInfoAsync($"a CPU throttle of {least} % or more", info => info.CpuThrottle >= least, ct)).CpuThrottle;

    private static async Task<long> ThrottleAsync(MigrationPair pair, CancellationToken ct) => (await pair.Source.QueryMigrateAsync(ct)).CpuThrottle;
}
