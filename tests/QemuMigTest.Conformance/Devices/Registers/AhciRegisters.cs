namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of q35's AHCI controller: a port's lists of commands and replies, its interrupts, on those that have no drive.</summary>
internal sealed class AhciRegisters() : MappedRegisters(null, 5, 0x400,
[
    .. Enumerable.Range(1, 5).SelectMany(port => ((int, int, uint)[])[(0x100 + (0x80 * port), 4, 0x5_1000u + (0x400u * (uint)port)), (0x108 + (0x80 * port), 4, 0x5_4000u + (0x100u * (uint)port)), (0x114 + (0x80 * port), 4, 0x7dc0_0033)]),
])
{
    protected override PciFunction FunctionIn(MigrationPair pair) => new(pair, 0x1f, 2);
}
