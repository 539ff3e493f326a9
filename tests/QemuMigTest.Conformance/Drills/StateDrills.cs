using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Conformance.Drills;

/// <summary>What the state guest must notice, changed behind its back.</summary>
public sealed partial class StateDrills : DrillFixture
{
    private const ulong IoApic = 0xfec0_0000;
    private const ulong Hpet = 0xfed0_0000;
    private const ulong Gib = 1ul << 30;
    private const int R10 = 10;

    // The serial line is a vCPU's by its number, and 1.
    private const byte Nobody = 0x7f;

    // The guest's boot and its migration must be done by then as well, on a machine that may be busy.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(10);

    [Test, DrillLimit]
    public Task A_byte_of_CMOS_RAM(CancellationToken ct) => FindAsync("CMOS RAM at 0x4c: expected 0xfc, seen 0x55", destination => Indexed(destination, 0x70, 0x4c, 0x55), ct);

    [Test, DrillLimit]
    public Task The_RTC_s_rate(CancellationToken ct) => FindAsync("RTC: register A: expected 0x2a, seen 0x26", destination => Indexed(destination, 0x70, 0x0a, 0x26), ct);

    [Test, DrillLimit]
    public Task The_PIC_s_mask(CancellationToken ct) => FindAsync("PIC: mask: expected 0x57, seen 0xff", destination => destination.Process.QTest!.Out8(0x21, 0xff), ct);

    [Test, DrillLimit]
    public Task The_serial_port_s_scratch_register(CancellationToken ct) => FindAsync("serial: scratch: expected 0xa5, seen 0x0", destination => destination.Process.QTest!.Out8(0x3ff, 0), ct);

    [Test, DrillLimit]
    public Task An_entry_of_the_IOAPIC(CancellationToken ct) => FindAsync("IOAPIC: pin 5, high: expected 0x6000000, seen 0x7000000", destination => WriteIoApic(destination, 0x1b, 0, 0, 0, 7), ct);

    [Test, DrillLimit]
    public Task A_comparator_of_the_HPET(CancellationToken ct) =>
        FindAsync("HPET: timer 1, comparator: expected 0x12345678, seen 0x87654321", destination => destination.Process.QTest!.Write(Hpet + 0x128, [0x21, 0x43, 0x65, 0x87]), ct);

    [Test, DrillLimit]
    public Task A_register_of_a_PCI_device(CancellationToken ct) => FindAsync("PCI configuration space of 00:1f.2, offset 0x3c: expected 0x15f, seen 0x107", destination =>
    {
        destination.Process.QTest!.Out32(0xcf8, 0x8000_fa3c);
        destination.Process.QTest!.Out8(0xcfc, 7);
    }, ct);

    [Test, DrillLimit]
    public Task Memory_below_a_megabyte(CancellationToken ct) => FindAsync("memory from 0x90000 on, 64 KiB (a sum): expected", destination => destination.Process.QTest!.Write(0x9_8765, [0x5a]), ct);

    // Each 64 KiB have their lap of sixteen; this is earlier than that of these.
    [Test, DrillLimit]
    public async Task Memory_below_a_megabyte_in_the_first_laps(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { StateGuest = new() { Vcpus = 2, LapsPerMarker = 1 }, Convergence = Convergence.Allowed }, ct);
        await pair.Source.StopAsync(ct);
        pair.Source.Process.QTest!.Write(0x9_8765, [0x5a]);
        await pair.Source.ContinueAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[state guest] source: vCPU 0: memory from 0x90000 on, 64 KiB (a sum): expected");
    }

    [Test, DrillLimit]
    public Task A_counter_of_the_PIT_that_goes_round_sooner(CancellationToken ct) => FindAsync("pit0 counter: expected", destination =>
    {
        // With its own period, 12000, it would be in phase by chance now and then.
        destination.Process.QTest!.Out8(0x43, 0x34);
        destination.Process.QTest!.Out8(0x40, 11000 & 0xff);
        destination.Process.QTest!.Out8(0x40, 11000 >> 8);
    }, ct);

    [Test, DrillLimit]
    public async Task An_NMI_that_nobody_sent(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        await pair.Destination.ExecuteAsync("inject-nmi", null, ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[state guest] destination: vCPU 1: unexpected interrupt: expected 0x0, seen 0x2 (lap");
    }

    [Test, DrillLimit]
    public async Task Numbers_that_are_rounded_to_others(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        var serial = pair.Destination.Serial.Position;
        await WriteAsync(2.25);
        await pair.Destination.Serial.WaitForAsync('!', serial, ct);
        // Each lap would tell of it again.
        await WriteAsync(1.25);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain(": SSE conversion to integers: expected 0x");
        findings.ShouldContain(": x87 conversion to an integer: expected 0x");

        async Task WriteAsync(double number)
        {
            await pair.Destination.StopAsync(ct);
            pair.Destination.Process.QTest!.Write(pair.StateProgram!.Symbols["operands_to_round"], BitConverter.GetBytes(number));
            await pair.Destination.ContinueAsync(ct);
        }
    }

    [Test, DrillLimit]
    public Task Clocks_that_part(CancellationToken ct) => FindAsync("tsc: expected", destination =>
    {
        // The HPET is stopped, set forward by ten seconds, and goes on.
        var qtest = destination.Process.QTest!;
        qtest.Write(Hpet + 0x10, [0, 0, 0, 0]);
        var counter = qtest.ReadUInt64(Hpet + 0xf0) + Gib;
        qtest.Write(Hpet + 0xf0, BitConverter.GetBytes((uint)counter));
        qtest.Write(Hpet + 0xf4, BitConverter.GetBytes((uint)(counter >> 32)));
        qtest.Write(Hpet + 0x10, [1, 0, 0, 0]);
    }, ct);

    [Test, DrillLimit]
    public async Task A_register_that_has_not_the_value_it_was_filled_with(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        var program = pair.StateProgram!;
        var qtest = pair.Destination.Process.QTest!;
        await StopInSpinAsync(pair, ct);
        var expected = program.AddressOf(1) + program.Symbols["cpu_expected_registers"] + (R10 * sizeof(ulong));
        var value = qtest.ReadUInt64(expected);
        qtest.Write(expected, BitConverter.GetBytes(value ^ 1));
        await pair.Destination.ContinueAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain($"[state guest] destination: vCPU 1: r10: expected 0x{value ^ 1:x}, seen 0x{value:x} (lap");
    }

    [Test, DrillLimit]
    public async Task A_store_that_reached_only_the_first_of_two_pages(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        var program = pair.StateProgram!;
        var qtest = pair.Destination.Process.QTest!;
        await StopInSpinAsync(pair, ct);
        var stored = program.Symbols["own_pages"] + program.Symbols["own_size"] + program.Symbols["own_across_first_busy"];
        var value = qtest.ReadUInt64(stored);
        qtest.Write(stored + 4, [(byte)((value >> 32) - 1)]);
        await pair.Destination.ContinueAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain(
            $"[state guest] destination: vCPU 1: store across pages of which the first is busy: expected 0x{value:x}, seen 0x{(value & ~(0xfful << 32)) | ((((value >> 32) - 1) & 0xff) << 32):x} (lap");
    }

    [Test, DrillLimit]
    public async Task A_page_table_entry_that_is_not_marked_any_more(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        var symbols = pair.StateProgram!.Symbols;
        // The first entry that is used, of the first vCPU: accessed, and read only.
        pair.Destination.Process.QTest!.Write(symbols["own_pages"] + symbols["own_table"] + 8, [3]);
        (await FindingsAsync(pair, ct)).ShouldContain("[state guest] destination: vCPU 0: page table entry that the CPU marked: expected 0x410023, seen 0x410003 (lap");
    }

    [Test, DrillLimit]
    public async Task A_vCPU_that_runs_before_it_is_started(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct, late: 1);
        var program = pair.StateProgram!;
        pair.Destination.Process.QTest!.Write(program.AddressOf(1) + program.Symbols["cpu_laps"], [5]);
        (await FindingsAsync(pair, ct)).ShouldContain("[state guest] destination: vCPU 1 has made 5 laps, and nobody has started it yet");
    }

    [Test, DrillLimit]
    public async Task A_vCPU_that_makes_no_laps(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct, Environment with { Limits = Environment.Limits with { Step = Short } });
        await TakeSerialLineAsync(pair, ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[state guest] destination:");
        findings.ShouldContain("laps of each vCPU");
        findings.ShouldContain("vCPU 0 has made");
    }

    // Whoever writes waits for the serial line, which nobody gives back: but for one who has it now.
    private static async Task TakeSerialLineAsync(MigrationPair pair, CancellationToken ct)
    {
        var (side, line) = (pair.Destination, pair.StateProgram!.Symbols["line_lock"]);
        await side.StopAsync(ct);
        while (side.Process.QTest!.ReadByte(line) != 0)
        {
            await side.ContinueAsync(ct);
            await side.StopAsync(ct);
        }

        side.Process.QTest!.Write(line, [Nobody]);
        await side.ContinueAsync(ct);
    }

    private static void Indexed(MigrationSide side, ushort port, byte index, byte value)
    {
        side.Process.QTest!.Out8(port, index);
        side.Process.QTest!.Out8((ushort)(port + 1), value);
    }

    // The second vCPU sleeps, or looks at what it has, for a part of each lap.
    private static async Task StopInSpinAsync(MigrationPair pair, CancellationToken ct)
    {
        var symbols = pair.StateProgram!.Symbols;
        while (true)
        {
            await pair.Destination.StopAsync(ct);
            var registers = await pair.Destination.HumanAsync("info registers -a", ct);
            var ip = ulong.Parse(InstructionPointer().Matches(registers)[1].Groups["ip"].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (ip >= symbols["spin"] && ip < symbols["spun"])
            {
                return;
            }

            await pair.Destination.ContinueAsync(ct);
        }
    }

    [GeneratedRegex(@"\bRIP=(?<ip>[0-9a-f]+)")]
    private static partial Regex InstructionPointer();

    [Test, DrillLimit]
    public async Task Interrupts_that_come_no_more(CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct, Environment with { Limits = Environment.Limits with { Step = Short } });
        await pair.Destination.StopAsync(ct);
        WriteIoApic(pair.Destination, 0x38, 0xe2, 0, 1, 0);
        await pair.Destination.ContinueAsync(ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("vCPU 0: IOAPIC: pin 20, low: expected 0xe2, seen 0x100e2");
        findings.ShouldContain("and 0 of the HPET");
    }

    private static void WriteIoApic(MigrationSide side, byte index, params byte[] value)
    {
        side.Process.QTest!.Write(IoApic, [index, 0, 0, 0]);
        side.Process.QTest!.Write(IoApic + 0x10, value);
    }

    private async Task FindAsync(string finding, Action<MigrationSide> damage, CancellationToken ct)
    {
        var pair = await StartMigratedAsync(ct);
        await pair.Destination.StopAsync(ct);
        damage(pair.Destination);
        await pair.Destination.ContinueAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain($"[state guest] destination: vCPU 0: {finding}");
    }

    private async Task<MigrationPair> StartMigratedAsync(CancellationToken ct, MigrationEnvironment? environment = null, int late = 0)
    {
        var pair = await StartVictimAsync(new() { StateGuest = new() { Vcpus = 2, LateVcpus = late }, Convergence = Convergence.Allowed }, ct, environment);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        return pair;
    }
}
