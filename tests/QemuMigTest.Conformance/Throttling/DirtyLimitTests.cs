using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Throttling;

[RequiresKvmDirtyRing, RequiresCapability("dirty-limit")]
public sealed class DirtyLimitTests : MigrationFixture
{
    // MB/s.
    private const long MostLimit = 50;
    private const long LeastHeld = 16;
    private const long MostHeld = 250;
    private const long Bandwidth = 400_000_000;
    private const long Downtime = 250;

    // 10 s and more: QEMU looks at the dirty rate once a second, in each of two migrations.
    [MigrationTest("/migration/dirty_limit", TimeoutSeconds = 180)]
    public async Task A_vCPU_is_held_back_while_a_migration_is_under_way_and_only_then(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            DirtyRingSize = DirtyRing.Size,
            SourceCapabilities = [MigrationCapability.DirtyLimit, MigrationCapability.PauseBeforeSwitchover],
            SourceParameters = new JsonObject { ["x-vcpu-dirty-limit-period"] = 1000 },
            // QEMU decides between passes, and needs two of them.
            Convergence = Convergence.HeldFast,
        }, ct);
        var free = await DirtyRing.MeasureAsync(pair.Source, ct);
        // An eighth of its own speed holds back a guest that is not fast, too.
        var limit = Math.Clamp(free / 8, 1, MostLimit);
        if (free - limit <= DirtyRing.Tolerance)
        {
            Skip("a guest that writes more than 28 MB/s", DirtyRing.TooSlow(free));
        }

        // Half of it lets no guest converge by itself.
        var held = Math.Clamp(free / 2, LeastHeld, MostHeld) * 1_000_000;
        await pair.Source.SetParametersAsync(new JsonObject { ["vcpu-dirty-limit"] = limit, ["max-bandwidth"] = held }, ct);
        var cancelled = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await WaitForThrottleAsync(cancelled, ct);
        await cancelled.CancelAsync(DestinationEnd.Exits(), ct);
        await EndLimitAsync(pair, "after the cancel", ct);

        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await WaitForThrottleAsync(migration, ct);
        (await DirtyRing.LimitAsync(pair.Source, ct)).ShouldBe(limit);
        await pair.Source.SetParametersAsync(new JsonObject { ["downtime-limit"] = Downtime, ["max-bandwidth"] = Bandwidth }, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        (await pair.Source.QueryMigrateAsync(ct)).RamRemaining!.Value.ShouldBeLessThanOrEqualTo(Bandwidth * Downtime / 1000 * 101 / 100);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
        await EndLimitAsync(pair, "after completion", ct);
    }

    private static async Task EndLimitAsync(MigrationPair pair, string when, CancellationToken ct)
    {
        if (Quirks.DirtyLimitStays(pair.Source.Binary.Version))
        {
            (await DirtyRing.LimitAsync(pair.Source, ct)).ShouldNotBeNull($"that the limit stays {when} is known of this QEMU; it is mended, and {nameof(Quirks.DirtyLimitStays)} should say since when");
            await pair.Source.ExecuteAsync("cancel-vcpu-dirty-limit", null, ct);
        }

        (await DirtyRing.LimitAsync(pair.Source, ct)).ShouldBeNull($"nothing holds the vCPU back {when}");
        (await pair.Source.QueryMigrateAsync(ct)).DirtyLimitThrottleTime.ShouldBe(0, $"nor does query-migrate say so {when}");
    }

    private static Task WaitForThrottleAsync(MigrationRun migration, CancellationToken ct) =>
        migration.WaitForInfoAsync("the dirty limit to hold the vCPU back", info => info.DirtyLimitThrottleTime > 0, ct);
}
