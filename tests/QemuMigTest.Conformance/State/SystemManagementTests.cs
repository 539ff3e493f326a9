using QemuMigTest.Guests.State;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.State;

/// <summary>An interrupt for the firmware alone (SMI): the CPU must know where the firmware has its handler (SMBASE), and the handler's memory, which no guest sees, must be there.</summary>
public sealed class SystemManagementTests : StateFixture
{
    private const ushort Enabled = 0x630;
    private const uint ByCommand = 0x21;

    // Half of a lap.
    private const int Many = 300;

    [MigrationTest("/migration/state/smi")]
    public async Task The_firmware_takes_its_interrupts_and_the_guest_goes_on_as_it_was(CancellationToken ct)
    {
        var pair = await StartPairAsync(1, ct);
        if (Quirks.FirmwareLosesBreakpoints(Environment))
        {
            await StopAsync(pair, inFirmware: false, ct);
        }

        await MoveAsync(pair, ct);
    }

    // What the guest has in its registers is in the firmware's memory then, and the CPU has the firmware's own.
    [MigrationTest("/migration/state/smi/inside")]
    public async Task A_guest_that_moves_in_the_firmware_s_hands_is_given_back_as_it_was(CancellationToken ct)
    {
        var pair = await StartPairAsync(Many, ct);
        await StopAsync(pair, inFirmware: true, ct);
        if (!Quirks.FirmwareLosesBreakpoints(Environment))
        {
            await MoveAsync(pair, ct);
            return;
        }

        // The guest tells of it in each lap from then on.
        Release(pair);
        await MoveAsync(pair, ct);
        var told = await pair.Destination.Serial.WaitForAsync('!', 0, ct);
        await pair.Destination.Serial.WaitForAsync('\n', told, ct);
        var damage = StateDamage.Parse(pair.Destination.Serial.Text, out var strange);
        strange.ShouldBeEmpty();
        damage.ShouldAllBe(one => pair.StateProgram!.NameOf(one.Item) == "breakpoints that fired in order", "what the guest has lost; else: docs/findings.md");
        NoteFault("a guest that moves in the firmware's hands (SMM) has no hardware breakpoints any more, though DR7 says so");
    }

    private async Task<MigrationPair> StartPairAsync(int firmwareInterrupts, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(new() { FirmwareInterrupts = firmwareInterrupts }, [], Convergence.Allowed, ct);
        var enabled = pair.Source.Process.QTest!.In32(Enabled);
        if ((enabled & ByCommand) != ByCommand)
        {
            Skip("a firmware that has asked for SMIs (bits 0 and 5 of port 0x630)", new($"0x{enabled:x} on {Environment.MachineType}", "else there are none"));
        }

        return pair;
    }

    private static async Task MoveAsync(MigrationPair pair, CancellationToken ct)
    {
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    private Task StopAsync(MigrationPair pair, bool inFirmware, CancellationToken ct)
    {
        var mode = $"SMM={(inFirmware ? 1 : 0)}";
        return Poll.UntilAsync(pair.Source.Name, $"a guest that is stopped with {mode}", async token =>
        {
            await pair.StopSourceAsync(token);
            if ((await pair.Source.HumanAsync("info registers", token)).Contains(mode, StringComparison.Ordinal))
            {
                return pair;
            }

            await pair.ContinueSourceAsync(token);
            return null;
        }, pair.Source.Process.LastSeen, Environment.Limits.Step, ct);
    }
}
