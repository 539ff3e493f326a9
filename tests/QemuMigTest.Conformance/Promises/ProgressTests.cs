using System.Diagnostics;
using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>What query-migrate says while a migration goes on: it counts up, or down, and agrees with itself, with the events, and with our own clock.</summary>
public sealed class ProgressTests : MigrationFixture
{
    // A pass takes a second.
    private const long Bandwidth = 30_000_000;
    private const int Samples = 12;
    private const int PageSize = 4096;

    // Between two of its numbers QEMU goes on: what goes by in 100 ms, and once more for a slice of the rate limit.
    private const long Tolerance = Bandwidth / 5;

    // ms; QEMU's clock starts within migrate.
    private const long Slack = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    [MigrationTest("/migration/promises/progress/plain", "")]
    [MigrationTest("/migration/promises/progress/multifd", "multifd")]
    public async Task What_is_said_of_a_migration_that_goes_on_is_how_far_it_is([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, ct);
        var beforeIt = Stopwatch.GetTimestamp();
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        var begun = Stopwatch.GetTimestamp();
        // The first pass begins before that, and on a busy machine long before.
        await migration.WaitForStatusAsync(MigrationStatus.Active, ct);
        Sample? last = null;
        for (var number = 0; number < Samples; number++)
        {
            await Task.Delay(Interval, TimeProvider.System, ct);
            var atLeast = Stopwatch.GetElapsedTime(begun);
            var info = await pair.Source.QueryMigrateAsync(ct);
            var atMost = Stopwatch.GetElapsedTime(beforeIt);
            info.Status.ShouldBe(MigrationStatus.Active);
            var now = Sample.Of(info);
            now.TotalTime.ShouldBeInRange((long)atLeast.TotalMilliseconds - Slack, (long)atMost.TotalMilliseconds + Slack, $"total-time, ms, by our own clock; {info}");
            now.Transferred.ShouldBeGreaterThanOrEqualTo(last?.Transferred ?? 1, $"transferred; {info}");
            if (now.Pass == 1)
            {
                now.Remaining.ShouldBeLessThanOrEqualTo(last?.Remaining ?? now.Total, $"remaining, in the first pass; {info}");
                Math.Abs(now.Total - now.Remaining - now.Sent).ShouldBeLessThan(Tolerance, $"total is what was sent and what remains, in the first pass; {info}");
            }

            last = now;
        }

        await migration.WaitForPassAsync(2, ct);
        var second = await pair.Source.QueryMigrateAsync(ct);
        second.DirtySyncCount!.Value.ShouldBeGreaterThanOrEqualTo(2);
        Sample.Of(second).Remaining.ShouldBeLessThan(pair.Program.Settings.RegionSize + (MigrationPair.GuestMemoryBytes / 10), $"the guest has written to its region, or to a part of it; {second}");
        // It begins as the downtime-limit; what remains, at the bandwidth that was seen, is another.
        var limit = (await pair.Source.ExecuteAsync("query-migrate-parameters", null, ct)).GetProperty("downtime-limit").GetInt64();
        var rate = await migration.WaitForInfoAsync("a dirty-pages-rate and an expected-downtime", info => info.Raw.GetProperty("ram").GetProperty("dirty-pages-rate").GetInt64() > 0
            && info.Raw.TryGetProperty("expected-downtime", out var downtime) && downtime.GetInt64() > 0 && downtime.GetInt64() != limit, ct);
        // Mbit/s over 100 ms: each slice lets its last packets by, of multifd's channels 1 MB in all, and counts them in the next.
        rate.Raw.GetProperty("ram").GetProperty("mbps").GetDouble().ShouldBeInRange(0.001, Bandwidth * 8 / 1e6 * 2.5, $"mbps; {rate}");
        // Each pass is one period: what is counted of one is not counted of the next.
        var later = await migration.WaitForInfoAsync("pass 6", info => info.DirtySyncCount >= 6, ct);
        later.Raw.GetProperty("ram").GetProperty("dirty-pages-rate").GetInt64().ShouldBeInRange(1, pair.Program.Settings.RegionSize / PageSize * 5 / 2, $"dirty-pages-rate, pages a second, of a guest that writes to its region in each pass, of a second or more; {later}");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private readonly record struct Sample(long TotalTime, long Pass, long Total, long Transferred, long Remaining, long Sent)
    {
        public static Sample Of(MigrationInfo info)
        {
            var ram = info.Raw.GetProperty("ram");
            long Ram(string name) => ram.GetProperty(name).GetInt64();
            return new(info.TotalTime!.Value, Ram("dirty-sync-count"), Ram("total"), Ram("transferred"), Ram("remaining"), (Ram("normal") + Ram("duplicate")) * PageSize);
        }
    }
}
