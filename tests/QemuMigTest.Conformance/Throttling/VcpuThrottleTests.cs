using System.Text.Json.Nodes;
using QemuMigTest.Conformance.State;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Throttling;

/// <summary>auto-converge slows each vCPU: one that is let go dirties memory for all.</summary>
[RequiresCapability("auto-converge")]
public sealed class VcpuThrottleTests : StateFixture
{
    private const int Vcpus = 2;
    private const int Throttle = 99;

    // One that is throttled by 99 % sleeps for 99 % of the time, less where the timer that sends it to sleep is late; one that is let go for 30 %, waiting for QEMU's lock, and on a busy machine for more.
    private const double Least = 0.9;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(300);

    [MigrationTest("/migration/promises/cpu-throttle-vcpus")]
    public async Task Each_vCPU_is_throttled(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(Vcpus, [MigrationCapability.AutoConverge], ct, Convergence.Held);
        await pair.Source.SetParametersAsync(new JsonObject { ["cpu-throttle-initial"] = Throttle, ["max-cpu-throttle"] = Throttle }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForInfoAsync($"a CPU throttle of {Throttle} %", info => info.CpuThrottle == Throttle, ct);
        IReadOnlyList<double> seen = [];
        await Poll.UntilAsync(pair.Source.Name, $"each of {Vcpus} vCPUs to sleep, as a throttle of {Throttle} % makes it",
            async token => (seen = await GuestSpeed.AsleepAsync(pair.Source, Window, token)).Count(asleep => asleep > Least) == Vcpus ? pair : null,
            () => $"asleep for {string.Join(", ", seen.Select(asleep => $"{asleep:P0}"))}", pair.Environment.Limits.Step, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
