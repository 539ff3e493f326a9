namespace QemuMigTest.Guests.State;

/// <summary>What the devices of a q35 hold for the state guest. The comments of asm/state.S say who uses which interrupt.</summary>
internal static class StateDevices
{
    private const uint IoApic = 0xfec0_0000;
    private const uint Hpet = 0xfed0_0000;
    private const uint ChipsetConfiguration = 0xfed1_c000;
    private const uint MemoryMappedPci = 0xb000_0000;
    private const uint Com1 = 0x3f8;
    private const uint Cmos = 0x70;
    private const uint PciAddress = 0xcf8;
    private const uint FirmwareConfiguration = 0x510;

    // The item that lists the others; a new machine has the first one in hand, which is another.
    private const ushort FirmwareFiles = 0x19;
    private const uint SmBus = 0x700;
    private const uint WatchdogTimer = 0x660;
    private const int IoApicPins = 24;
    private const int HpetPin = 20;
    private const byte HpetVector = 0xe2;
    private const byte ReceivedData = 1;
    private const byte TransmitterEmpty = 2;
    private const byte SerialInterrupts = 4 | ReceivedData;
    private const uint Masked = 0x1_0000;
    private const uint Level = 0x8000;

    // Nobody but the BIOS, which does not run any more, uses these.
    private const byte FirstFreeCmos = 0x40;
    private const byte LastFreeCmos = 0x5a;

    private static readonly uint[] DmaPages = [0x81, 0x82, 0x83, 0x87, 0x89, 0x8a, 0x8b, 0x8f];

    public static void SetUp(StateList list)
    {
        // PICs: other vectors than the BIOS's, only interrupts that never come are let through, and which comes first is rotated, in each by another number.
        list.Out8(0x20, 0x11).Out8(0x21, 0x60).Out8(0x21, 4).Out8(0x21, 1).Out8(0x21, 0x57)
            .Out8(0xa0, 0x11).Out8(0xa1, 0x68).Out8(0xa1, 2).Out8(0xa1, 1).Out8(0xa1, 0x5f)
            .Out8(0x20, 0xc2).Out8(0xa0, 0xc4)
            .Out8(0x4d0, 0x20).Out8(0x4d1, 0x0c);
        for (var index = FirstFreeCmos; index <= LastFreeCmos; index++)
        {
            list.Out8(Cmos, index).Out8(Cmos + 1, (byte)(index * 37));
        }

        // RTC: another rate, binary numbers, an alarm.
        list.Out8(Cmos, 0x0a).Out8(Cmos + 1, 0x2a).Out8(Cmos, 0x0b).Out8(Cmos + 1, 0x06)
            .Out8(Cmos, 1).Out8(Cmos + 1, 17).Out8(Cmos, 3).Out8(Cmos + 1, 34).Out8(Cmos, 5).Out8(Cmos + 1, 3);
        foreach (var page in DmaPages)
        {
            list.Out8(page, (byte)(page * 11));
        }

        list.Out8(0x0c, 0).Out8(4, 0x34).Out8(4, 0x12).Out8(5, 0x78).Out8(5, 0x56)
            .Out8(Com1 + 3, 0x9b).Out8(Com1, 0x03).Out8(Com1 + 1, 0x01).Out8(Com1 + 3, 0x1b)
            .Out8(Com1 + 1, SerialInterrupts).Out8(Com1 + 2, 0x81).Out8(Com1 + 3, 0x1b).Out8(Com1 + 4, 0x0b).Out8(Com1 + 7, 0xa5)
            .Out8(0x64, 0x60).Out8(0x60, 0x74)
            .Out8(0xb3, 0x5c).Out8(0xcf9, 2)
            .Out16(0x602, 0x0120).Out8(0x62c, 0x5a)
            .Out8(WatchdogTimer + 0x0c, 0x31).Out8(WatchdogTimer + 0x0d, 0x42).Out8(WatchdogTimer + 0x0e, 0x53).Out16(WatchdogTimer + 0x12, 0x0123)
            .Out8(SmBus + 3, 0x21).Out8(SmBus + 4, 0x43).Out8(SmBus + 5, 0x65).Out8(SmBus + 6, 0x87);
        SetUpIoApic(list);
        list.Write32(Hpet + 0x100, (HpetPin << 9) | 0x4c).Write32(Hpet + 0x108, 200_000)
            .Write32(Hpet + 0x120, 18 << 9).Write32(Hpet + 0x128, 0x1234_5678).Write32(Hpet + 0x12c, 0x7fff_ffff)
            .Write32(Hpet + 0x140, 17 << 9).Write32(Hpet + 0x148, 0x0fed_cba9).Write32(Hpet + 0x14c, 0x7fff_ffff);
    }

    /// <summary>SeaBIOS's handler does not know this command, and returns.</summary>
    public static void InterruptFirmware(StateList list) => list.Out8(0xb2, 0x5a);

    /// <summary>An index is written and its value not read yet, a byte of two is read, a reply waits: what a device must remember.</summary>
    public static void LeaveHalfDone(StateList list) => list
        .Out8(Cmos, 0x45)
        .Out32(PciAddress, 0x8000_f8f0)
        .Write32(IoApic, 0x17)
        .Out16(FirmwareConfiguration, FirmwareFiles).In8("fw_cfg: first byte", FirmwareConfiguration + 1).In8("fw_cfg: second byte", FirmwareConfiguration + 1)
        .Out8(0x64, 0x20)
        .Out8(0x0c, 0).In8("DMA: channel 2, address, low", 4)
        .Out8(Com1 + 1, SerialInterrupts | TransmitterEmpty)
        .Out8(0x20, 0x0b).Out8(0xa0, 0x0b);

    // The serial port works out which interrupt it has when another is let through or not; reading it acknowledges the transmitter's.
    public static void FinishHalfDone(StateList list) => list
        .In8("CMOS RAM at the index that was set a while ago", Cmos + 1)
        .In32("PCI: configuration address", PciAddress)
        .Read32("IOAPIC: index", IoApic).Read32("IOAPIC at the index that was set a while ago", IoApic + 0x10)
        .In8("fw_cfg: third byte, after a while", FirmwareConfiguration + 1).In8("fw_cfg: fourth byte", FirmwareConfiguration + 1)
        .In8("i8042: status, with a reply that waits", 0x64, 0x0f).In8("i8042: the reply, its command byte", 0x60)
        .In8("DMA: channel 2, address, high, after a while", 4).In8("DMA: channel 2, count, low", 5).In8("DMA: channel 2, count, high", 5)
        .Out8(Com1 + 1, (SerialInterrupts & ~ReceivedData) | TransmitterEmpty).In8("serial: interrupt that the transmitter has asked for a while ago", Com1 + 2).Out8(Com1 + 1, SerialInterrupts)
        .In8("PIC: interrupts in service, chosen a while ago", 0x20).In8("second PIC: interrupts in service, chosen a while ago", 0xa0);

    public static void Check(StateList list)
    {
        list.Out8(0x20, 0x0a).In8("PIC: interrupts pending", 0x20)
            .Out8(0xa0, 0x0a).In8("second PIC: interrupts pending", 0xa0, 0xfe)
            .In8("PIC: mask", 0x21).In8("second PIC: mask", 0xa1).In8("PIC: edge or level", 0x4d0).In8("second PIC: edge or level", 0x4d1)
            .Out8(0x43, 0xe2).In8("PIT: counter 0, mode", 0x40, 0x3f)
            .Out8(0x43, 0xe8).In8("PIT: counter 2, mode", 0x42, 0x3f)
            .In8("port 0x61", 0x61, 3).In8("port 0x92", 0x92).In8("APM status", 0xb3).In8("reset control", 0xcf9)
            .In8("serial: interrupt enable", Com1 + 1).In8("serial: FIFO", Com1 + 2, 0xc0).In8("serial: line control", Com1 + 3)
            .In8("serial: modem control", Com1 + 4).In8("serial: modem status", Com1 + 6, 0xf0).In8("serial: scratch", Com1 + 7)
            .In16("PM: PM1 enable", 0x602).In16("PM: PM1 control", 0x604).In32("PM: GPE0 enable, low", 0x628).In32("PM: GPE0 enable, high", 0x62c).In32("PM: SMI enable", 0x630)
            .In8("TCO: message 1", WatchdogTimer + 0x0c).In8("TCO: message 2", WatchdogTimer + 0x0d).In8("TCO: watchdog status", WatchdogTimer + 0x0e)
            .In16("TCO: control 1", WatchdogTimer + 8).In16("TCO: timer, initial", WatchdogTimer + 0x12)
            .In8("SMBus: command", SmBus + 3).In8("SMBus: address", SmBus + 4).In8("SMBus: data 0", SmBus + 5).In8("SMBus: data 1", SmBus + 6);
        foreach (var (name, index, mask) in new[]
        {
            ("RTC: alarm, second", 1, 0xff), ("RTC: alarm, minute", 3, 0xff), ("RTC: alarm, hour", 5, 0xff), ("RTC: register A", 0x0a, 0x7f), ("RTC: register B", 0x0b, 0xff), ("RTC: register D", 0x0d, 0xff),
        })
        {
            list.Indexed8(name, Cmos, (byte)index, (byte)mask);
        }

        for (byte index = 0x0e; index < 0x80; index++)
        {
            list.Indexed8($"CMOS RAM at 0x{index:x2}", Cmos, index);
        }

        foreach (var page in DmaPages)
        {
            list.In8($"DMA: page register 0x{page:x}", page);
        }

        CheckIoApic(list);
        foreach (var (name, offset) in new[]
        {
            ("capabilities", 0u), ("period", 4u), ("configuration", 0x10u), ("interrupt status", 0x20u), ("timer 0, configuration", 0x100u), ("timer 1, configuration", 0x120u), ("timer 1, comparator", 0x128u),
            ("timer 2, configuration", 0x140u), ("timer 2, comparator", 0x148u),
        })
        {
            list.Read32($"HPET: {name}", Hpet + offset);
        }

        foreach (var offset in new uint[] { 0x3100, 0x3140, 0x3144, 0x3410 })
        {
            list.Read32($"chipset configuration 0x{offset:x}", ChipsetConfiguration + offset);
        }

        list.Read32("PCI: host bridge's ID in memory-mapped configuration space", MemoryMappedPci);
    }

    private static void SetUpIoApic(StateList list)
    {
        WriteIoApic(list, 0, 0x0500_0000);
        for (var pin = 0u; pin < IoApicPins; pin++)
        {
            var entry = pin == HpetPin ? HpetVector : Masked | (pin is >= 16 and < 20 ? Level : 0) | (0x70 + pin);
            WriteIoApic(list, 0x11 + (2 * pin), pin == HpetPin ? 0 : (pin + 1) << 24);
            WriteIoApic(list, 0x10 + (2 * pin), entry);
        }
    }

    private static void CheckIoApic(StateList list)
    {
        list.Write32(IoApic, 0).Read32("IOAPIC: ID", IoApic + 0x10);
        for (var pin = 0u; pin < IoApicPins; pin++)
        {
            list.Write32(IoApic, 0x10 + (2 * pin)).Read32($"IOAPIC: pin {pin}, low", IoApic + 0x10)
                .Write32(IoApic, 0x11 + (2 * pin)).Read32($"IOAPIC: pin {pin}, high", IoApic + 0x10);
        }
    }

    private static void WriteIoApic(StateList list, uint index, uint value) => list.Write32(IoApic, index).Write32(IoApic + 0x10, value);
}
