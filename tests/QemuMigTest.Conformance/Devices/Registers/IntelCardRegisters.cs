using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of an Intel 8254x or 82574.</summary>
/// <param name="device">The model.</param>
/// <param name="wordShift">Where in the register by which a word of the EEPROM is asked for its number begins, bits.</param>
internal sealed class IntelCardRegisters(string device, int wordShift) : MappedRegisters($"{device},romfile=,netdev=n", 0, 0x2_0000, Planted())
{
    private const int Eeprom = 0x14;
    private const int Phy = 0x20;
    private const int Words = 64;
    private const int PhyRegisters = 32;
    private const uint Start = 1;
    private const uint PhyAddress = 1 << 21;
    private const uint WritePhy = 1 << 26;
    private const uint ReadPhy = 1 << 27;
    private const uint Advertise = 4;

    public override QemuCommandLine Arguments => base.Arguments.With("-netdev", "hubport,id=n,hubid=0");

    protected override void ReadMore(QTestScript script)
    {
        for (var word = 0u; word < Words; word++)
        {
            script.Do($"writel 0x{Base + Eeprom:x} 0x{Start | (word << wordShift):x}").Read($"EEPROM, word {word}", $"readl 0x{Base + Eeprom:x}");
        }

        for (var register = 0u; register < PhyRegisters; register++)
        {
            script.Do($"writel 0x{Base + Phy:x} 0x{ReadPhy | PhyAddress | (register << 16):x}").Read($"PHY, register {register}", $"readl 0x{Base + Phy:x}");
        }
    }

    // Neither a reset, nor a transfer, nor an interrupt.
    private static IEnumerable<(int At, int Bytes, uint Value)> Planted() =>
    [
        (0x38, 4, 0x9100), (0xe00, 4, 0x0706_8302), (0x1000, 4, 0x20), (0x410, 4, 0x60_1008), (0x28, 4, 0xc2_8001), (0x2c, 4, 0x100), (0x170, 4, 0x1234),
        (0x2160, 4, 0x1230), (0x2168, 4, 0x4560), (0x2800, 4, 0x5_1000), (0x2804, 4, 1), (0x2808, 4, 0x380), (0x2820, 4, 0x21), (0x282c, 4, 0x43),
        (0x3800, 4, 0x5_2000), (0x3804, 4, 2), (0x3808, 4, 0x280), (0x3820, 4, 0x12), (0x382c, 4, 0x34), (0x5808, 4, 0x55), (0x5820, 4, 0x2100),
        .. Enumerable.Range(0, 128).SelectMany(i => ((int, int, uint)[])[(0x5200 + (4 * i), 4, 0xa000_0001u + (uint)i), (0x5600 + (4 * i), 4, 0x0500_0003u * (uint)i)]),
        .. Enumerable.Range(1, 15).SelectMany(i => ((int, int, uint)[])[(0x5400 + (8 * i), 4, 0x1234_5600u + (uint)i), (0x5404 + (8 * i), 4, 0x100u + (uint)i)]),
        (Phy, 4, WritePhy | PhyAddress | (Advertise << 16) | 0x0d41),
    ];
}
