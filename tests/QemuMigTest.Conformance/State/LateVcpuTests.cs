using QemuMigTest.Guests.State;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.State;

/// <summary>vCPUs that had their INIT before a migration, and wait for their start-up interrupts.</summary>
public sealed class LateVcpuTests : StateFixture
{
    private const int Vcpus = 3;

    // All that can be: the second and the third, by their APIC ids 1 and 2.
    private const int Late = Vcpus - 1;

    [MigrationTest("/migration/state/late-vcpu", true), MigrationTest("/migration/state/late-vcpu/waits", false)]
    public async Task A_vCPU_that_was_not_started_yet_waits_until_it_is(bool start, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(new StateGuestSettings { Vcpus = Vcpus, LateVcpus = Late }, [], Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        if (start)
        {
            await StartLateAsync(pair, ct);
        }
    }

    [MigrationTest("/migration/state/late-vcpu/halted")]
    public async Task A_vCPU_that_is_halted_beside_one_that_runs_stays_so(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(new StateGuestSettings { Vcpus = Vcpus, LateVcpus = Late, LateVcpusHalt = true }, [], Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    // The first vCPU sends the interrupts, and no INIT before them. That there is no damage, and laps go on, is for the oracle.
    private static async Task StartLateAsync(MigrationPair pair, CancellationToken ct)
    {
        var (side, program) = (pair.Destination, pair.StateProgram!);
        var qtest = side.Process.QTest!;
        qtest.Write(program.Symbols["late_go"], [1]);
        var started = 0;
        // Their numbers are by who comes first.
        await Poll.UntilAsync(side.Name, $"the {Late} vCPUs that were late to make a lap", _ =>
        {
            started = Enumerable.Range(Vcpus - Late, Late).Count(number => StateVcpu.Read(qtest.Read(program.AddressOf(number), StateVcpu.Size), program.Symbols).Laps > 0);
            // One that waits for nothing goes on with the BIOS, which resets the machine.
            return Task.FromResult(started == Late || side.Process.Qmp.Events.Snapshot().Any(e => e.Name == "RESET") ? side : null);
        }, () => $"{started} of them have; {side.Process.LastSeen()}", pair.Environment.Limits.Step, ct);
        started.ShouldBe(Late, $"{side.Name}: vCPUs of those that had waited for their start-up interrupts and have started with it; another ran into the BIOS, which reset the machine");
    }
}
