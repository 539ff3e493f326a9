using System.Globalization;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Registers of the chipset say what is where: memory that firmware alone sees, memory behind a ROM, and the devices' own registers. That they read right does not mean that it is so.</summary>
[RequiresQ35("the chipset's registers at 00:00.0 and 00:1f.0", "another chipset has others")]
public sealed class MemoryMapTests : MigrationFixture
{
    private const ulong Mib = 1 << 20;
    private const byte IsaBridge = 0x1f << 3;
    private const ulong Shown = 0xd_8000;
    private const ulong Hidden = 0xd_c000;
    private const byte BothShown = 0x33;
    private const ulong FirmwareMemory = 0xb_4000;
    private const ulong OpenFirmwareMemory = 0xfedb_4000;
    private const ulong TopFirmwareMemory = (MigrationPair.GuestMemoryMiB - 2) * Mib;
    private const ulong MappedConfiguration = 0xb000_0000;
    private const ulong MovedConfiguration = 0xa000_0000;
    private const ulong ChipsetConfiguration = 0xfed1_c000;
    private const ulong MovedChipsetConfiguration = 0xfed2_0000;
    private const ulong InterruptRoutes = 0x3140;
    private const ushort PowerManagement = 0x600;
    private const ushort MovedPowerManagement = 0x1600;
    private const ulong FirstHandlerMemory = 0x3_0000;
    private const uint IsThere = 1;
    private static readonly ulong[] Areas = [Shown, Hidden];
    private static readonly byte[] Mark = [0x5a, 0x4d, 0x45, 0x4d];

    // Of PAM 4 each half is of 16 KiB: memory, or what a card has there. That memory is read-only qtest would not see.
    private static readonly Register Pam = new(0, 0x94, 1, 0x30, 0x03);

    private static readonly Register[] Registers =
    [
        Pam,
        new(0, 0x9d, 1, 0x0a, 0x4a), // SMRAM: there, and open
        new(0, 0x9e, 1, 0x38, 0xbb), // ESMRAMC: shown at the top of addresses when open, and a TSEG of 2 MiB
        new(0, 0x60, 4, (uint)MappedConfiguration | 1, (uint)MovedConfiguration | 1), // PCIEXBAR
        new(IsaBridge, 0x40, 4, PowerManagement | 1, MovedPowerManagement | 1), // PMBASE
        new(IsaBridge, 0xf0, 4, (uint)ChipsetConfiguration | 1, (uint)MovedChipsetConfiguration | 1), // RCBA
    ];

    // Whether such memory can be locked is asked; the answer is that it is there.
    private static readonly Register FirstHandler = new(0, 0x9c, 1, 0xff, 2);

    [MigrationTest("/migration/devices/memory-map"), RequiresCapability("pause-before-switchover")]
    public async Task What_the_chipset_was_told_to_show_is_shown_where_it_was(CancellationToken ct)
    {
        var (pair, migration) = await StartAsync(ct);
        var qtest = pair.Source.Process.QTest!;
        StopDisks(pair);
        var firmware = Registers.Select(register => register.Read(qtest)).ToArray();
        if (!Set(qtest, Registers.Select(register => register.Moved)))
        {
            Set(qtest, firmware);
            Skip("a q35 with memory of the firmware's own (smm=on)", new("SMRAM or TSEG that cannot be changed", "else there is nothing to hide"));
        }

        Pam.Write(qtest, BothShown);
        var content = Areas.Select(address => qtest.Read(address, Mark.Length)).ToArray();
        Put(qtest, Areas.Select(_ => Mark));
        Set(qtest, Registers.Select(register => register.Plain));
        var plain = Look(qtest);
        Set(qtest, Registers.Select(register => register.Moved));
        qtest.Write(FirmwareMemory, Mark);
        var moved = Look(qtest);
        plain.Where(seen => seen.Value == moved[seen.Key]).ShouldBeEmpty("what is the same on the source with registers that are moved and with those that are not");

        await SwitchOverAsync(migration, ct);
        foreach (var side in pair.Sides)
        {
            var there = side.Process.QTest!;
            Differences(moved, Look(there)).ShouldBeEmpty($"{side.Name}: what is shown where, after the migration");
            Set(there, Registers.Select(register => register.Plain)).ShouldBeTrue($"{side.Name}: the chipset's registers can be set again");
            Differences(plain, Look(there)).ShouldBeEmpty($"{side.Name}: what is shown where, with registers that are set back");
            Pam.Write(there, BothShown);
            Put(there, content);
            Set(there, firmware);
        }

        await migration.CompleteAsync(ct);
    }

    // Once locked it is so until the next reset. No such memory is a whole guest's: the oracles are not asked.
    [MigrationTest("/migration/devices/memory-map/smbase"), RequiresCapability("pause-before-switchover")]
    public async Task Memory_of_a_processor_s_first_handler_that_was_locked_is_hidden(CancellationToken ct)
    {
        var (pair, migration) = await StartAsync(ct);
        Release(pair);
        var qtest = pair.Source.Process.QTest!;
        FirstHandler.Write(qtest, FirstHandler.Plain);
        if (FirstHandler.Read(qtest) is var answer && answer != IsThere)
        {
            Skip("a q35 that hides memory at the place of SMBASE", new($"0x{answer:x} for an answer at 00:00.0, register 0x9c", "else there is nothing to hide"));
        }

        LookAtFirstHandler(qtest).ShouldBe((IsThere, 0u), "source: the register, which has its answer, and memory at 0x30000, before it is locked");
        FirstHandler.Write(qtest, FirstHandler.Moved);
        var locked = (FirstHandler.Moved, uint.MaxValue);
        LookAtFirstHandler(qtest).ShouldBe(locked, "source: the register, and memory at 0x30000, which is hidden");
        await SwitchOverAsync(migration, ct);

        if (Quirks.LockedSmbaseOpens(Environment.Destination.Version))
        {
            LookAtFirstHandler(pair.Destination.Process.QTest!).ShouldBe((0u, 0u), "the register, and memory at 0x30000; else the fault is mended: docs/findings.md");
            NoteFault("memory at SMBASE that was locked and hidden is open after a migration");
        }
        else
        {
            foreach (var side in pair.Sides)
            {
                FirstHandler.Write(side.Process.QTest!, 0);
                LookAtFirstHandler(side.Process.QTest!).ShouldBe(locked, $"{side.Name}: the register, after an attempt to unlock it, and memory at 0x30000, which is hidden");
            }
        }

        await migration.CompleteAsync(ct);
    }

    private static (uint Register, uint Memory) LookAtFirstHandler(QTestClient qtest) => (FirstHandler.Read(qtest), BitConverter.ToUInt32(qtest.Read(FirstHandlerMemory, sizeof(uint))));

    private async Task<(MigrationPair Pair, MigrationRun Migration)> StartAsync(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        return (pair, migration);
    }

    private static async Task SwitchOverAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);
    }

    // The firmware has left its AHCI ports with buffers at the top of memory, which no device reaches when it is hidden. Nobody reads disks any more.
    private static void StopDisks(MigrationPair pair)
    {
        const ulong FirstCommand = 0x118, Step = 0x80;
        const int Ports = 6;
        const uint Starts = 1, Receives = 0x10;
        var (qtest, registers) = (pair.Source.Process.QTest!, new PciFunction(pair, IsaBridge >> 3, 2).BaseAddress(5));
        for (var command = registers + FirstCommand; command < registers + FirstCommand + (Ports * Step); command += Step)
        {
            foreach (var bit in new[] { Starts, Receives })
            {
                qtest.Write(command, BitConverter.GetBytes(BitConverter.ToUInt32(qtest.Read(command, sizeof(uint))) & ~bit));
            }
        }
    }

    private static void Put(QTestClient qtest, IEnumerable<byte[]> contents)
    {
        foreach (var (address, bytes) in Areas.Zip(contents))
        {
            qtest.Write(address, bytes);
        }
    }

    private static bool Set(QTestClient qtest, IEnumerable<uint> values)
    {
        var all = true;
        foreach (var (register, value) in Registers.Zip(values))
        {
            register.Write(qtest, value);
            all &= register.Read(qtest) == value;
        }

        return all;
    }

    private static IEnumerable<string> Differences(Dictionary<string, string> expected, Dictionary<string, string> seen) =>
        expected.Where(one => seen[one.Key] != one.Value).Select(one => $"{one.Key}: expected 0x{one.Value}, seen 0x{seen[one.Key]}");

    private static Dictionary<string, string> Look(QTestClient qtest)
    {
        return new()
        {
            ["the host bridge's ID at 0xb0000000 (PCIEXBAR), which is moved"] = Read(MappedConfiguration),
            ["the host bridge's ID at 0xa0000000, where that is moved to"] = Read(MovedConfiguration),
            ["interrupt routes at 0xfed1f140 (RCBA), which is moved"] = Read(ChipsetConfiguration + InterruptRoutes),
            ["interrupt routes at 0xfed23140, where that is moved to"] = Read(MovedChipsetConfiguration + InterruptRoutes),
            ["PM1 enable at port 0x602 (PMBASE), which is moved"] = Hex(qtest.In16(PowerManagement + 2)),
            ["PM1 enable at port 0x1602, where that is moved to"] = Hex(qtest.In16(MovedPowerManagement + 2)),
            ["0xd8000 (PAM), where memory is shown"] = Read(Shown),
            ["0xdc000 (PAM), where it is hidden"] = Read(Hidden),
            ["0xfedb4000, where the firmware's memory at 0xb4000 (SMRAM) is shown, for it is open"] = Read(OpenFirmwareMemory),
            ["2 MiB below the top, of the firmware's memory (TSEG), which is closed"] = Read(TopFirmwareMemory),
            ["the top of memory, of the firmware's (TSEG), which is closed"] = Read(TopFirmwareMemory + (2 * Mib) - sizeof(uint)),
        };

        string Read(ulong address) => Hex(BitConverter.ToUInt32(qtest.Read(address, sizeof(uint))));
    }

    private static string Hex(uint value) => value.ToString("x8", CultureInfo.InvariantCulture);

    // Function: as in the configuration address, device and function.
    private sealed record Register(byte Function, byte At, int Bytes, uint Plain, uint Moved)
    {
        private const ushort Address = 0xcf8;
        private const ushort Data = 0xcfc;

        public uint Read(QTestClient qtest)
        {
            Select(qtest);
            return Bytes == 1 ? qtest.In8((ushort)(Data + (At & 3))) : qtest.In32(Data);
        }

        public void Write(QTestClient qtest, uint value)
        {
            Select(qtest);
            if (Bytes == 1)
            {
                qtest.Out8((ushort)(Data + (At & 3)), (byte)value);
            }
            else
            {
                qtest.Out32(Data, value);
            }
        }

        private void Select(QTestClient qtest) => qtest.Out32(Address, 0x8000_0000 | ((uint)Function << 8) | (uint)(At & ~3));
    }
}
