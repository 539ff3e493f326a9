using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of a Realtek 8139.</summary>
internal sealed class RealtekCardRegisters() : MappedRegisters("rtl8139,romfile=,netdev=n", 1, Length, Planted)
{
    private const int Length = 0x100;
    private const int Words = 64;

    // The register by which a driver moves the EEPROM's wires: what is said and heard, clock, selected.
    private const int Eeprom = 0x50;
    private const int ByHand = 0x80;
    private const int Selected = 8;
    private const int Clock = 4;
    private const int Say = 2;
    private const int Hear = 1;
    private const int ReadWord = 0b110;
    private const int ReadBits = 9;
    private const int WordBits = 16;

    // Its configuration is locked until it is told otherwise; it receives and transmits; no address of a frame's is written with a status, which would send it.
    private static readonly (int At, int Bytes, uint Value)[] Planted =
    [
        (Eeprom, 1, 0xc0), (0x51, 1, 1), (0x52, 1, 0x4d), (0x59, 1, 0x21), (0x5a, 1, 0x80), (0x62, 2, 0x1100), (0x66, 2, 0x0561), (0x74, 2, 0x8100), (0x5c, 2, 0x123), (0xe0, 2, 0x60), (Eeprom, 1, 0),
        (0x37, 1, 0x0c), (0x40, 4, 0x0300_0700), (0x44, 4, 0xe70a), (0x08, 4, 0x1234_5678), (0x0c, 4, 0x9abc_def0), (0x20, 4, 0x5_1000), (0x24, 4, 0x5_2000), (0x28, 4, 0x5_3000), (0x2c, 4, 0x5_4000), (0x30, 4, 0x5_5000),
    ];

    public override QemuCommandLine Arguments => base.Arguments.With("-netdev", "hubport,id=n,hubid=0");

    // Some registers are there for who reads two bytes alone.
    protected override void ReadMore(QTestScript script)
    {
        for (var at = 0; at < Length; at += sizeof(ushort))
        {
            script.Read($"two bytes at 0x{at:x}", $"readw 0x{Base + (ulong)at:x}");
        }

        for (var word = 0; word < Words; word++)
        {
            script.Do(Wires(0));
            for (var bit = ReadBits - 1; bit >= 0; bit--)
            {
                Tick(script, (((ReadWord << 6) | word) >> bit & 1) * Say);
            }

            for (var bit = 0; bit < WordBits; bit++)
            {
                Tick(script, 0);
                script.Read($"EEPROM, word {word}, bit {bit}", $"readb 0x{Base + Eeprom:x}", Hear);
            }
        }

        script.Do($"writeb 0x{Base + Eeprom:x} 0");
    }

    private void Tick(QTestScript script, int said) => script.Do(Wires(Selected | said)).Do(Wires(Selected | said | Clock));

    private string Wires(int wires) => $"writeb 0x{Base + Eeprom:x} 0x{ByHand | wires:x}";
}
