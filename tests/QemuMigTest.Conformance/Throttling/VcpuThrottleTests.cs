using System.Text.Json.Nodes;
using QemuMigTest.Conformance.State;

namespace QemuMigTest.Conformance.Throttling;

/// <summary>auto-converge slows each vCPU: one that is let go dirties memory for all.</summary>
[RequiresCapability("auto-converge")]
public sealed class VcpuThrottleTests : StateFixture
{
    private const int Vcpus = 2;
    private const int Throttle = 99;

    // One that is throttled by 99 % sleeps for 99 % of the time, less where the timer that sends it to sleep is late; one that is let go for 20 %, and on a busy machine for more.
    private const double Least = 0.7;

    // A throttled vCPU runs once a second. Later one that is let go has to wait for the other.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1.5);

    [MigrationTest("/migration/promises/cpu-throttle-vcpus")]
    public async Task Each_vCPU_is_throttled(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(Vcpus, [MigrationCapability.AutoConverge], ct, Convergence.Held);
        await pair.Source.SetParametersAsync(new JsonObject { ["cpu-throttle-initial"] = Throttle, ["max-cpu-throttle"] = Throttle }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForInfoAsync($"a CPU throttle of {Throttle} %", info => info.CpuThrottle == Throttle, ct);
        var asleep = await GuestSpeed.AsleepAsync(pair.Source, Window, ct);
        asleep.Count.ShouldBe(Vcpus);
        asleep.ShouldAllBe(part => part > Least, $"the part of {Window.TotalSeconds} s for which each of {Vcpus} vCPUs slept, as a throttle of {Throttle} % makes it: {string.Join(", ", asleep.Select(part => $"{part:P0}"))}");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
