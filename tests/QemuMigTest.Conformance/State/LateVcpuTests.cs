using QemuMigTest.Guests.State;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.State;

/// <summary>A vCPU that had its INIT before a migration, and waits for its start-up interrupt.</summary>
public sealed class LateVcpuTests : StateFixture
{
    private const int Vcpus = 3;

    [MigrationTest("/migration/state/late-vcpu", true), MigrationTest("/migration/state/late-vcpu/waits", false)]
    public async Task A_vCPU_that_was_not_started_yet_waits_until_it_is(bool start, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(new StateGuestSettings { Vcpus = Vcpus, LateVcpus = 1 }, [], Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        if (start)
        {
            await StartLateAsync(pair, ct);
        }
    }

    // The first vCPU sends the interrupt, and no INIT before it. That there is no damage, and laps go on, is for the oracle.
    private static async Task StartLateAsync(MigrationPair pair, CancellationToken ct)
    {
        var (side, program) = (pair.Destination, pair.StateProgram!);
        var qtest = side.Process.QTest!;
        qtest.Write(program.Symbols["late_go"], [1]);
        var vcpu = await Poll.UntilAsync(side.Name, "the vCPU that was late to make a lap", _ =>
        {
            var now = StateVcpu.Read(qtest.Read(program.AddressOf(Vcpus - 1), StateVcpu.Size), program.Symbols);
            // Where it waits for nothing it goes on with the BIOS, which resets the machine.
            return Task.FromResult(now.Laps > 0 || side.Process.Qmp.Events.Snapshot().Any(e => e.Name == "RESET") ? now : null);
        }, side.Process.LastSeen, pair.Environment.Limits.Step, ct);
        vcpu.Laps.ShouldNotBe(0ul, $"{side.Name}: the vCPU that had waited for its start-up interrupt did not start with it, but ran into the BIOS, which reset the machine");
    }
}
