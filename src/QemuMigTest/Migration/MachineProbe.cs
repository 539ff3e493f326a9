using QemuMigTest.QTest;

namespace QemuMigTest.Migration;

/// <summary>What a q35's devices hold that no running guest changes, by qtest: planted before a migration, and read on both sides after it.</summary>
/// <remarks>Values are planted so that a device that arrives as a reset leaves it is not mistaken for one that arrived. The guest that dirties memory uses none of it:
/// its interrupts are off, and all that is planted is masked.</remarks>
internal static class MachineProbe
{
    private const byte FirstFreeCmos = 0x40;
    private const byte LastFreeCmos = 0x5a;
    private const byte FirstSteadyCmos = 0x0a;
    private const byte LastCmos = 0x7f;
    private const int IoApicPins = 24;
    private const string IoApicIndex = "0xfec00000";
    private const string IoApicData = "0xfec00010";

    // Ports that are read as they are: what they say does not move, and reading changes nothing.
    private static readonly (string Name, int Port, int Mask)[] Ports =
    [
        ("PIC, mask", 0x21, 0xff), ("second PIC, mask", 0xa1, 0xff), ("PIC, edge or level", 0x4d0, 0xff), ("second PIC, edge or level", 0x4d1, 0xff),
        ("port 0x61", 0x61, 3), ("port 0x92", 0x92, 0xff), ("APM control", 0xb2, 0xff), ("APM status", 0xb3, 0xff), ("reset control", 0xcf9, 0xff),
        ("serial, interrupt enable", 0x3f9, 0xff), ("serial, line control", 0x3fb, 0xff), ("serial, modem control", 0x3fc, 0xff), ("serial, scratch", 0x3ff, 0xff), ("i8042, status", 0x64, 0xff),
        ("PM, PM1 enable", 0x602, 0xff), ("PM, PM1 enable, high", 0x603, 0xff), ("PM, PM1 control", 0x604, 0xff), ("PM, GPE0 enable", 0x62c, 0xff),
        ("TCO, message 1", 0x66c, 0xff), ("TCO, message 2", 0x66d, 0xff), ("TCO, watchdog status", 0x66e, 0xff), ("TCO, control 1", 0x669, 0xff), ("TCO, timer", 0x672, 0xff),
        ("DMA, mask", 0x09, 0xff), ("second DMA, mask", 0xd2, 0xff), ("PM, GPE0 status", 0x620, 0xff), ("SMBus, command", 0x703, 0xff), ("SMBus, address", 0x704, 0xff), ("SMBus, data 0", 0x705, 0xff), ("SMBus, data 1", 0x706, 0xff),
        ("DMA page 0x81", 0x81, 0xff), ("DMA page 0x82", 0x82, 0xff), ("DMA page 0x83", 0x83, 0xff), ("DMA page 0x87", 0x87, 0xff), ("DMA page 0x89", 0x89, 0xff), ("DMA page 0x8a", 0x8a, 0xff),
    ];

    private static readonly int[] PlantedPorts = [0x3ff, 0xb3, 0x62c, 0x66c, 0x66d, 0x66e, 0x672, 0x703, 0x704, 0x705, 0x706, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8a];

    /// <summary>Gives devices values that they do not have after a reset, others for each migration.</summary>
    /// <param name="side">The source.</param>
    /// <param name="number">The migration's number.</param>
    /// <param name="clock">Whether the HPET shall run.</param>
    public static void Plant(MigrationSide side, int number, bool clock)
    {
        var probe = new QTestScript();
        var salt = number * 0x1d;
        for (var index = FirstFreeCmos; index <= LastFreeCmos; index++)
        {
            probe.Do($"outb 0x70 0x{index:x}").Do($"outb 0x71 0x{(byte)((index * 37) + salt):x}");
        }

        foreach (var port in PlantedPorts)
        {
            probe.Do($"outb 0x{port:x} 0x{(byte)(((port * 11) + salt) | 1) & 0x7f:x}");
        }

        // No power button, no alarm: PM1 is planted with what no one presses.
        probe.Do("outw 0x602 0x120");
        for (var pin = 0; pin < IoApicPins; pin++)
        {
            probe.Do($"writel {IoApicIndex} 0x{0x11 + (2 * pin):x}").Do($"writel {IoApicData} 0x{((pin + number) & 0xf) << 24:x}")
                .Do($"writel {IoApicIndex} 0x{0x10 + (2 * pin):x}").Do($"writel {IoApicData} 0x{0x1_0000 | (0x40 + pin + number) & 0xff:x}");
        }

        // A counter of the PIT that nobody hears, whose status is latched and not read, and the HPET's clock, by which both sides' time can be compared.
        probe.Do("outb 0x43 0xb4").Do($"outb 0x42 0x{(byte)(0x31 + salt):x}").Do("outb 0x42 0x5a").Do("outb 0x43 0xe8")
            .Do($"writel 0xfed00128 0x{0x1234_5600 + number:x}").Do("writel 0xfed0012c 0x7fffffff");
        if (clock)
        {
            probe.Do("writel 0xfed00010 0x1");
        }

        // Which interrupt comes first is rotated, in each PIC by another number, and never by none.
        probe.Do($"outb 0x20 0x{0xc0 + (number % 6):x}").Do($"outb 0xa0 0x{0xc0 + ((number + 2) % 6):x}");
        probe.Execute(side.Process.QTest!);
    }

    /// <summary>Reads what is there, by name. Some of it changes indexes and latches, which the guest that dirties memory does not use.</summary>
    public static IReadOnlyDictionary<string, ulong> Read(MigrationSide side)
    {
        var probe = new QTestScript();
        foreach (var (name, port, mask) in Ports)
        {
            probe.Read(name, $"inb 0x{port:x}", (ulong)mask);
        }

        for (int index = FirstSteadyCmos; index <= LastCmos; index++)
        {
            // Update in progress comes and goes; register C is cleared by reading it.
            if (index != 0x0c)
            {
                probe.Do($"outb 0x70 0x{index:x}").Read($"CMOS RAM at 0x{index:x2}", "inb 0x71", index == 0x0a ? 0x7fu : 0xff);
            }
        }

        for (var pin = 0; pin < IoApicPins; pin++)
        {
            probe.Do($"writel {IoApicIndex} 0x{0x10 + (2 * pin):x}").Read($"IOAPIC pin {pin}, low", $"readl {IoApicData}", uint.MaxValue)
                .Do($"writel {IoApicIndex} 0x{0x11 + (2 * pin):x}").Read($"IOAPIC pin {pin}, high", $"readl {IoApicData}", uint.MaxValue);
        }

        foreach (var (name, offset) in new[] { ("configuration", 0x10), ("interrupt status", 0x20), ("timer 0", 0x100), ("timer 1", 0x120), ("timer 1, comparator", 0x128), ("timer 2", 0x140) })
        {
            probe.Read($"HPET, {name}", $"readl 0x{0xfed0_0000u + offset:x}", uint.MaxValue);
        }

        // Those answer to four bytes alone.
        probe.Read("PM, SMI enable", "inl 0x630").Read("PM, SMI status", "inl 0x634");
        probe.Do("outb 0x43 0xe2").Read("PIT counter 0, mode", "inb 0x40", 0x3f).Read("PIT counter 2, latched status", "inb 0x42", 0x3f)
            .Do("outb 0x43 0xe8").Read("PIT counter 2, mode", "inb 0x42", 0x3f).Do("outb 0x43 0xe8")
            .Do("outb 0x3fb 0x83").Read("serial, divisor, low", "inb 0x3f8", 0xff).Read("serial, divisor, high", "inb 0x3f9", 0xff).Do("outb 0x3fb 0x3");
        return probe.Execute(side.Process.QTest!);
    }

    /// <summary>The HPET's counter: how long this guest has run, on whichever side.</summary>
    public static TimeSpan ReadTime(MigrationSide side) => TimeSpan.FromTicks((long)(side.Process.QTest!.ReadUInt64(0xfed0_00f0) / 10));
}
