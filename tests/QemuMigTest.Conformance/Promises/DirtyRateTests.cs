using System.Diagnostics;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>calc-dirty-rate (since 5.2, its mode since 6.2), by which a manager foresees whether a migration will end, says how much this guest writes to: all of its region in each second.</summary>
[RequiresArgument("calc-dirty-rate", "mode")]
public sealed class DirtyRateTests : MigrationFixture
{
    private const int Seconds = 1;
    private const string Sampling = "page-sampling";
    private const int SamplesPerGiB = 4096;
    private const int SegmentationFault = 11;

    // Of 600 pages whose hashes it compares some 124 are in the region.
    [MigrationTest("/migration/promises/dirty-rate/page-sampling")]
    public async Task What_the_guest_writes_to_in_a_second_is_estimated(CancellationToken ct)
    {
        var pair = await StartPairAsync(ct);
        (await MeasureAsync(pair.Source, Sampling, ct)).ShouldBeInRange(PairOptions.SmallRegionMiB * 0.6, PairOptions.SmallRegionMiB * 1.5, "MiB/s");
        await pair.Source.ExecuteAsync("stop", null, ct);
        (await MeasureAsync(pair.Source, Sampling, ct)).ShouldBe(0, "MiB/s of a guest that is stopped");
        await pair.Source.ContinueAsync(ct);
        (await MeasureAsync(pair.Source, Sampling, ct)).ShouldBeInRange(PairOptions.SmallRegionMiB * 0.6, PairOptions.SmallRegionMiB * 1.5, "MiB/s, once more");
        await MoveAsync(pair, ct);
    }

    [MigrationTest("/migration/promises/dirty-rate/dirty-bitmap")]
    public async Task What_the_guest_writes_to_in_a_second_is_counted(CancellationToken ct)
    {
        var pair = await StartPairAsync(ct);
        var tcg = Environment.Accelerator.Name == "tcg";
        if (tcg && Quirks.DirtyBitmapRateKills(Environment.Source.Version))
        {
            Release(pair);
            (await Should.ThrowAsync<QemuExitedException>(() => MeasureAsync(pair.Source, "dirty-bitmap", ct))).Status.Signal.ShouldBe(SegmentationFault);
            NoteFault(Quirks.DirtyBitmapRateKillsShown);
            return;
        }

        var rate = await MeasureAsync(pair.Source, "dirty-bitmap", ct);
        (await pair.DirtyTrackingAsync(pair.Source, ct)).ShouldBe(0u, "what dirty pages are tracked for when it is measured (GLOBAL_DIRTY_…, trace event global_dirty_changed)");
        if (tcg)
        {
            rate.ShouldBe(0, "MiB/s under TCG: docs/findings.md says why; is it mended?");
            NoteFault(Quirks.DirtyBitmapRateIsZeroShown);
        }
        else
        {
            // Its stack and the pages that it turns come to the region.
            rate.ShouldBeInRange(PairOptions.SmallRegionMiB * 0.9, PairOptions.SmallRegionMiB * 1.2, "MiB/s");
        }

        await MoveAsync(pair, ct);
    }

    [MigrationTest("/migration/promises/dirty-rate/milliseconds"), RequiresArgument("calc-dirty-rate", "calc-time-unit")]
    public async Task The_time_of_a_measurement_is_told_in_the_unit_that_is_asked_for(CancellationToken ct)
    {
        const long Time = 1500;
        var pair = await StartPairAsync(ct);
        var begun = Stopwatch.GetTimestamp();
        await pair.Source.ExecuteAsync("calc-dirty-rate", new() { ["calc-time"] = Time, ["calc-time-unit"] = "millisecond", ["mode"] = Sampling }, ct);
        var milliseconds = await WaitAsync(pair.Source, "millisecond", ct);
        milliseconds.ShouldBeInRange(Time, (long)Stopwatch.GetElapsedTime(begun).TotalMilliseconds + 1, "calc-time, ms: how long it took, which is what was asked for and more");
        (await WaitAsync(pair.Source, "second", ct)).ShouldBe(milliseconds / 1000, "calc-time, s, of the same measurement");
        await MoveAsync(pair, ct);
    }

    private static async Task<long> WaitAsync(MigrationSide side, string unit, CancellationToken ct)
    {
        var measured = await DirtyRate.WaitAsync(side, new() { ["calc-time-unit"] = unit }, ct);
        measured.GetProperty("calc-time-unit").GetString().ShouldBe(unit);
        return measured.GetProperty("calc-time").GetInt64();
    }

    private Task<MigrationPair> StartPairAsync(CancellationToken ct) => StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB }, ct);

    // The measurement's dirty tracking does not get in a migration's way.
    private static async Task MoveAsync(MigrationPair pair, CancellationToken ct)
    {
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static async Task<double> MeasureAsync(MigrationSide side, string mode, CancellationToken ct)
    {
        var settings = new JsonObject { ["calc-time"] = Seconds, ["mode"] = mode };
        if (mode == Sampling)
        {
            settings["sample-pages"] = SamplesPerGiB;
        }

        var asked = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        await side.ExecuteAsync("calc-dirty-rate", settings, ct);
        var measured = await DirtyRate.WaitAsync(side, null, ct);
        measured.GetProperty("mode").GetString().ShouldBe(mode);
        measured.GetProperty("calc-time").GetInt64().ShouldBe(Seconds);
        var started = measured.GetProperty("start-time").GetInt64();
        if (Quirks.DirtyRateCountsFromHostStart(side.Binary.Version))
        {
            started.ShouldBeLessThan(asked / 2, "start-time, s since the host's start: docs/findings.md; is it mended?");
            NoteFault("calc-dirty-rate: start-time counts from the host's start, not since 1970");
        }
        else
        {
            started.ShouldBeInRange(asked - 1, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), "start-time, s since 1970");
        }

        return measured.GetProperty("dirty-rate").GetInt64();
    }
}
