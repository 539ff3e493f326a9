using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of a VGA, behind its ports.</summary>
internal sealed class VgaRegisters : DeviceRegisters
{
    private const int HalfSet = 5;
    private const int PaletteBytes = 768;
    private static readonly (string Name, int Index, int Data, int Count)[] Indexed = [("sequencer", 0x3c4, 0x3c5, 8), ("graphics", 0x3ce, 0x3cf, 9), ("CRTC", 0x3d4, 0x3d5, 25)];

    // Which bits of planes are written and compared, the cursor, the first address: nobody looks at the screen.
    private static readonly (int Index, int Register, int Value)[] Values =
    [
        (0x3c4, 3, 0x15), (0x3ce, 0, 5), (0x3ce, 2, 9), (0x3ce, 7, 6), (0x3ce, 8, 0xa5), (0x3d4, 0x0a, 0x2d), (0x3d4, 0x0b, 0x1e), (0x3d4, 0x0c, 0x12), (0x3d4, 0x0d, 0x34), (0x3d4, 0x0e, 0x56), (0x3d4, 0x0f, 0x78),
        (0x3d4, 0x13, 0x29),
    ];

    public override QemuCommandLine Arguments => new QemuCommandLine().With("-device", $"VGA,addr={Slot}");

    public override void Plant(MigrationPair pair)
    {
        var script = new QTestScript();
        foreach (var (index, register, value) in Values)
        {
            script.Do($"outb 0x{index:x} 0x{register:x}").Do($"outb 0x{index + 1:x} 0x{value:x}");
        }

        script.Do("outb 0x3c8 0");
        for (var i = 0; i < PaletteBytes; i++)
        {
            script.Do($"outb 0x3c9 0x{((i * 7) + 1) & 0x3f:x}");
        }

        // Two of the three bytes of a colour, an attribute's number without its value; and indexes.
        script.Do($"outb 0x3c8 {HalfSet}").Do("outb 0x3c9 0x11").Do("outb 0x3c9 0x22").Do("inb 0x3da").Do("outb 0x3c0 0x2c")
            .Do("outb 0x3c4 3").Do("outb 0x3ce 7").Do("outb 0x3d4 0xc").Do("outw 0x1ce 5").Do("outw 0x1cf 1").Do("outw 0x1ce 9").Do("outw 0x1cf 3").Do("outw 0x1ce 8").Execute(pair.Source.Process.QTest!);
    }

    public override IReadOnlyDictionary<string, ulong> Read(QTestClient qtest)
    {
        var script = new QTestScript().Read("VBE, index", "inw 0x1ce").Read("miscellaneous", "inb 0x3cc").Read("feature control", "inb 0x3ca").Do("outb 0x3c9 0x33").Do("outb 0x3c0 0x15");
        foreach (var (name, index, data, count) in Indexed)
        {
            script.Read($"{name}, index", $"inb 0x{index:x}");
            for (var i = 0; i < count; i++)
            {
                script.Do($"outb 0x{index:x} 0x{i:x}").Read($"{name}, {i}", $"inb 0x{data:x}");
            }
        }

        for (var i = 0; i <= 20; i++)
        {
            script.Do("inb 0x3da").Do($"outb 0x3c0 0x{i:x}").Read($"attribute, {i}", "inb 0x3c1");
        }

        for (var i = 0; i < 10; i++)
        {
            script.Do($"outw 0x1ce {i}").Read($"VBE, {i}", "inw 0x1cf");
        }

        script.Do("outb 0x3c7 0");
        for (var i = 0; i < PaletteBytes; i++)
        {
            script.Read($"palette, byte {i}", "inb 0x3c9");
        }

        return script.Execute(qtest);
    }
}
