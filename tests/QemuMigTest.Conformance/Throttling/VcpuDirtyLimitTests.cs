using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Throttling;

[RequiresKvmDirtyRing, RequiresArgument("set-vcpu-dirty-limit", "dirty-rate")]
public sealed class VcpuDirtyLimitTests : MigrationFixture
{
    // MB/s above the limit: no measurement takes such a guest for one that is held to it.
    private const long FarAbove = DirtyRing.Tolerance * 5 / 4;

    // 5 s and more: each rate is measured over a second, and the limit is approached step by step.
    [MigrationTest("/migration/vcpu_dirty_limit", TimeoutSeconds = 180)]
    public async Task A_vCPU_that_has_a_limit_writes_no_faster_and_writes_freely_again_without_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { DirtyRingSize = DirtyRing.Size }, ct);
        var vm = pair.Source;
        var free = await DirtyRing.MeasureAsync(vm, ct);
        free.ShouldBePositive("the guest writes all the time");
        if (free <= FarAbove)
        {
            Skip($"a guest that writes more than {FarAbove} MB/s", DirtyRing.TooSlow(free));
        }

        // Half of its speed; less where that is too near to it to be told from it.
        var limit = Math.Clamp(free - (2 * DirtyRing.Tolerance), 1, free / 2);
        await vm.ExecuteAsync("set-vcpu-dirty-limit", new() { ["dirty-rate"] = limit }, ct);
        (await DirtyRing.LimitAsync(vm, ct)).ShouldBe(limit);
        await WaitForRateAsync(pair, $"a dirty rate below {limit + DirtyRing.Tolerance} MB/s", rate => rate < limit + DirtyRing.Tolerance, ct);

        await vm.ExecuteAsync("cancel-vcpu-dirty-limit", null, ct);
        await WaitForRateAsync(pair, $"a dirty rate above {limit + DirtyRing.Tolerance} MB/s", rate => rate > limit + DirtyRing.Tolerance, ct);
    }

    private static async Task WaitForRateAsync(MigrationPair pair, string what, Func<long, bool> reached, CancellationToken ct)
    {
        long seen = 0;
        await Poll.UntilAsync(pair.Source.Name, what, async token =>
        {
            seen = await DirtyRing.MeasureAsync(pair.Source, token);
            return reached(seen) ? pair : null;
        }, () => $"{seen} MB/s", pair.Environment.Limits.Step, ct);
    }
}
