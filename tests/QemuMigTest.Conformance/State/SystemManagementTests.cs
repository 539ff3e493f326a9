namespace QemuMigTest.Conformance.State;

/// <summary>An interrupt for the firmware alone (SMI): the CPU must know where the firmware has its handler (SMBASE), and the handler's memory, which no guest sees, must be there.</summary>
public sealed class SystemManagementTests : StateFixture
{
    private const ushort Enabled = 0x630;
    private const uint ByCommand = 0x21;

    [MigrationTest("/migration/state/smi")]
    public async Task The_firmware_takes_its_interrupts_and_the_guest_goes_on_as_it_was(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(new() { InterruptsFirmware = true }, [], Convergence.Allowed, ct);
        var enabled = pair.Source.Process.QTest!.In32(Enabled);
        if ((enabled & ByCommand) != ByCommand)
        {
            Skip("a firmware that has asked for SMIs (bits 0 and 5 of port 0x630)", new($"0x{enabled:x} on {Environment.MachineType}", "else there are none"));
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }
}
