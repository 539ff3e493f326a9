using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Throttling;

[RequiresKvmDirtyRing, RequiresArgument("set-vcpu-dirty-limit", "dirty-rate")]
public sealed class VcpuDirtyLimitTests : MigrationFixture
{
    // 5 s and more: each rate is measured over a second, and the limit is approached step by step.
    [MigrationTest("/migration/vcpu_dirty_limit", TimeoutSeconds = 180)]
    public async Task A_vCPU_that_may_write_half_as_fast_does_and_writes_freely_again_without_the_limit(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { DirtyRingSize = DirtyRing.Size }, ct);
        var vm = pair.Source;
        var free = await DirtyRing.MeasureAsync(vm, ct);
        free.ShouldBePositive("the guest writes all the time");
        var limit = free / 2;
        if (free - limit <= 2 * DirtyRing.Tolerance)
        {
            Skip("a guest that writes more than 100 MB/s", DirtyRing.TooSlow(free));
        }

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
