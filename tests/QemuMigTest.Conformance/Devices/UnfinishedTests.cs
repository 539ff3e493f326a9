using System.Globalization;
using QemuMigTest.Conformance.State;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What a driver has half done when the guest leaves, it goes on with on the destination: the second byte of two, a lock that is set, a clock that is held.</summary>
[RequiresTcg("an interrupt that has no end yet is the board's own")]
public sealed class UnfinishedTests : MigrationFixture
{
    private const ushort A20Port = 0x92;
    private const byte A20Closed = 0;
    private const byte A20Open = 2;
    private const ushort PitControl = 0x43;
    private const ushort PitCounter1 = 0x41;
    private const ushort PitCounter2 = 0x42;
    private const byte LatchCounter1 = 0x40;
    private const byte LatchCounter2 = 0x80;
    private const byte LatchStatus2 = 0xe8;
    private const byte StatusMode = 0x3f;
    private const ushort PitGates = 0x61;
    private const byte SpeakerOn = 3;
    private const byte SpeakerBit = 2;
    private const byte RefreshBit = 0x10;
    private const byte ClockControl = 0x0b;
    private const byte ClockIsSet = 0x80;
    private const byte FreeCmos = 0x39;
    private const byte Given = 0x1e;
    private const ushort Serial = 0x3f8;
    private const byte FifoOn = 0xc1;
    private const byte FifoOff = 0;
    private const byte TransmitterIsEmpty = 2;
    private const int KeyboardLine = 1;
    private const int SerialLine = 4;
    private const int MouseLine = 12;
    private const ulong IoApicEnd = 0xfec0_0040;
    private const uint Vector = 0x51;
    private const uint LevelTriggered = 0x8000 | Vector;
    private const uint NoProcessor = 0x0f00_0000;
    private const ushort FirmwareSelector = 0x510;
    private const ushort FirmwareData = 0x511;
    private const byte Cascaded = 0xa5;

    // Minutes and hours are not those of now, most times; the day is no birthday of QEMU's.
    private static readonly (byte Register, byte Value)[] Calendar = [(0, 0x11), (2, 0x22), (4, 0x03), (7, 0x19), (8, 0x04), (9, 0x33)];

    [MigrationTest("/migration/devices/unfinished"), RequiresCapability("pause-before-switchover")]
    public async Task What_a_driver_has_half_done_is_gone_on_with(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var (source, qtest) = (pair.Source, pair.Source.Process.QTest!);
        // The guest's clock stands still, so that the counters do.
        await pair.StopSourceAsync(ct);
        qtest.Out8(Serial + 2, FifoOn);
        // What is saved now is not what is saved later.
        await SavedDevices.SaveAsync(source, pair, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var calendar = Begin(qtest);
        var locked = ChipsetLocks.Lock(pair);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);
        var destination = pair.Destination;
        var there = await SavedDevices.SaveAsync(source, pair, ct);
        var (kept, sent) = (SavedDevices.Compare(pair, there, await SavedDevices.SaveAsync(source, pair, ct)), SavedDevices.Compare(pair, there, await SavedDevices.SaveAsync(destination, pair, ct)));
        (await HasClosedA20Async(destination, ct)).ShouldBeTrue($"destination: the guest had closed A20 by port 0x{A20Port:x}, and it should be closed (info registers: A20=0)");
        foreach (var side in new[] { destination, source })
        {
            Finish(side);
            PutRight(side.Process.QTest!, calendar);
        }

        (await HasClosedA20Async(destination, ct)).ShouldBeFalse("destination: A20 was opened again");
        kept.ShouldBeEmpty("saving must change nothing: what the source says twice must be the same");
        sent.ShouldBeEmpty("what the destination would have sent on must be what it had received");
        await migration.CompleteAsync(ct);
        locked?.Check();
    }

    private static byte[] Begin(QTestClient qtest)
    {
        qtest.Out8(A20Port, A20Closed);

        // A counter of which the first byte is written, and one of which the first byte is read.
        qtest.Out8(PitGates, SpeakerOn);
        // The status comes first that the framework had latched when the migration began, and it compares what is latched on both sides.
        qtest.In8(PitCounter2);
        Count(qtest, PitCounter2, 0xb0, 0x4321);
        qtest.Out8(PitCounter2, 0x34);
        qtest.Out8(PitControl, LatchStatus2);
        Count(qtest, PitCounter1, 0x70, 0xbeef);
        qtest.Out8(PitControl, LatchCounter1);
        qtest.In8(PitCounter1).ShouldBe((byte)0xef, "the first byte of the PIT's counter 1, on the source");

        // Each read turns it, and it is zero at first.
        if ((qtest.In8(PitGates) & RefreshBit) == 0)
        {
            (qtest.In8(PitGates) & RefreshBit).ShouldBe(RefreshBit, $"the refresh bit of port 0x{PitGates:x}, read again, on the source");
        }

        // The clock is held, and set anew.
        var calendar = Calendar.Select(register => Cmos.Read(qtest, register.Register)).ToArray();
        Cmos.Write(qtest, ClockControl, (byte)(Cmos.Read(qtest, ClockControl) | ClockIsSet));
        foreach (var (register, value) in Calendar)
        {
            Cmos.Write(qtest, register, value);
        }

        Cmos.Write(qtest, FreeCmos, Cascaded);
        qtest.Out8(Cmos.Index, FreeCmos);

        // A level-triggered interrupt that was handed over, to nobody, and has no end yet.
        IoApic.Write(qtest, SerialLine, 1, NoProcessor);
        IoApic.Write(qtest, SerialLine, 0, LevelTriggered);
        qtest.Out8(Serial + 2, FifoOff);
        qtest.Out8(Serial + 1, TransmitterIsEmpty);
        (IoApic.Read(qtest, SerialLine) & IoApic.HasNoEndYet).ShouldBe(IoApic.HasNoEndYet, "remote IRR of the serial port's line in the I/O APIC, on the source");

        // One that a processor has taken from the second PIC, and that has no end yet.
        KeyboardController.Start(qtest);
        KeyboardController.GiveAsMouse(qtest, Given);
        Pics.Take(qtest, MouseLine).ShouldBe(MouseLine, "the line of the second PIC's interrupt, on the source");
        KeyboardController.Read(qtest);

        // One that was asked for while its line was masked.
        IoApic.Write(qtest, KeyboardLine, 1, NoProcessor);
        IoApic.Write(qtest, KeyboardLine, 0, LevelTriggered | IoApic.Masked);
        KeyboardController.Give(qtest, Given);

        qtest.Out16(FirmwareSelector, 0);
        qtest.In8(FirmwareData).ShouldBe((byte)'Q', "the first byte of fw_cfg's signature");
        return calendar;
    }

    private static void Finish(MigrationSide side)
    {
        var (name, qtest) = (side.Name, side.Process.QTest!);
        (IoApic.Read(qtest, SerialLine) & IoApic.HasNoEndYet).ShouldBe(IoApic.HasNoEndYet, $"{name}: remote IRR of the serial port's line in the I/O APIC: it was handed over before the migration, and has no end yet");
        qtest.Write(IoApicEnd, BitConverter.GetBytes(Vector));
        (IoApic.Read(qtest, SerialLine) & IoApic.HasNoEndYet).ShouldBe(IoApic.HasNoEndYet, $"{name}: remote IRR of the serial port's line in the I/O APIC: it has had its end now, and the line is asserted still: there is another");

        // Reading it lowers the line.
        (qtest.In8(Serial + 2) & 0xc0).ShouldBe(0, $"{name}: whether the serial port's FIFO is on; it was turned off in pre-switchover");
        qtest.In8(Cmos.Data).ShouldBe(Cascaded, $"{name}: byte 0x{FreeCmos:x} of CMOS RAM, which was selected before the migration");
        Calendar.Select(register => Cmos.Read(qtest, register.Register)).ShouldBe(Calendar.Select(register => register.Value), $"{name}: the RTC's time and date, which the guest has set, and it holds the clock (SET)");

        qtest.Out8(PitCounter2, 0x12);
        qtest.Out8(PitControl, LatchCounter2);
        (qtest.In8(PitCounter2) & StatusMode).ShouldBe(0x30, $"{name}: the status of the PIT's counter 2, which was latched before the migration");
        ReadCounter(qtest, PitCounter2).ShouldBe(0x1234, $"{name}: the PIT's counter 2, whose first byte was written before the migration and whose second after it");
        qtest.Out8(PitControl, LatchStatus2);
        qtest.In8(PitCounter1).ShouldBe((byte)0xbe, $"{name}: the second byte of the PIT's counter 1, whose first was read before the migration");

        var gates = qtest.In8(PitGates);
        (gates & SpeakerBit).ShouldBe(SpeakerBit, $"{name}: whether the PC speaker sounds what counter 2 gives (port 0x{PitGates:x}, bit 1): it was turned on before the migration");
        (gates & RefreshBit).ShouldBe(0, $"{name}: the refresh bit of port 0x{PitGates:x}, which each read turns: it was set when it was read last, before the migration");

        Pics.IsInService(qtest, MouseLine).ShouldBeTrue($"{name}: whether line {MouseLine} is in service at the second PIC: its interrupt was taken before the migration, and has no end yet");
        Pics.End(qtest, MouseLine);
        Pics.IsInService(qtest, MouseLine).ShouldBeFalse($"{name}: whether line {MouseLine} is in service at the second PIC, after the interrupt's end");

        IoApic.Write(qtest, KeyboardLine, 0, LevelTriggered);
        (IoApic.Read(qtest, KeyboardLine) & IoApic.HasNoEndYet).ShouldBe(IoApic.HasNoEndYet, $"{name}: remote IRR of the keyboard's line in the I/O APIC: it was masked when it was asked for, before the migration, and is not any more");
        KeyboardController.Read(qtest).ShouldBe($"{Given:x2}", $"{name}: what the keyboard's controller was told to give, before the migration");
        string.Concat(Enumerable.Range(0, 3).Select(_ => (char)qtest.In8(FirmwareData))).ShouldBe("EMU", $"{name}: the rest of fw_cfg's signature, whose first byte was read before the migration");
    }

    // Both sides, which are compared, the same way.
    private static void PutRight(QTestClient qtest, byte[] calendar)
    {
        qtest.Out8(A20Port, A20Open);
        qtest.Out8(PitGates, 0);
        qtest.Out8(Serial + 1, 0);
        IoApic.Write(qtest, SerialLine, 0, IoApic.Masked);
        IoApic.Write(qtest, SerialLine, 1, 0);
        IoApic.Write(qtest, KeyboardLine, 0, IoApic.Masked);
        IoApic.Write(qtest, KeyboardLine, 1, 0);
        foreach (var (register, value) in Calendar.Zip(calendar, (register, value) => (register.Register, value)))
        {
            Cmos.Write(qtest, register, value);
        }

        Cmos.Write(qtest, ClockControl, (byte)(Cmos.Read(qtest, ClockControl) & ~ClockIsSet));
        Pics.Forget(qtest);
    }

    private static void Count(QTestClient qtest, ushort counter, byte control, ushort count)
    {
        qtest.Out8(PitControl, control);
        qtest.Out8(counter, (byte)count);
        qtest.Out8(counter, (byte)(count >> 8));
    }

    private static int ReadCounter(QTestClient qtest, ushort counter) => qtest.In8(counter) | (qtest.In8(counter) << 8);

    private static async Task<bool> HasClosedA20Async(MigrationSide side, CancellationToken ct) =>
        (await side.HumanAsync("info registers", ct)).Contains(string.Create(CultureInfo.InvariantCulture, $"A20={A20Closed}"), StringComparison.Ordinal);
}
