using System.Buffers.Binary;
using NUnit.Framework;
using QemuMigTest.Guests;
using QemuMigTest.Guests.State;
using Shouldly;

namespace QemuMigTest.Tests.Guests.State;

public class StateProgramTests
{
    private static readonly StatePlan Empty = new([], [], [], [], [], []);

    [Test]
    public void The_settings_are_where_the_symbols_say()
    {
        var program = StateProgram.Create(new() { Vcpus = 3, LateVcpus = 2, LapsPerMarker = 5, SpinCount = 7 }, Empty, emulated: true);

        At(program, "vcpus").ShouldBe(3u);
        At(program, "late_vcpus").ShouldBe(2u);
        At(program, "laps_per_marker").ShouldBe(5u);
        At(program, "spin_count").ShouldBe(7u);
        At(program, "exact_clocks").ShouldBe(1u);
        At(StateProgram.Create(new(), Empty, emulated: false), "exact_clocks").ShouldBe(0u);
    }

    [Test]
    public void It_is_whole_sectors_that_the_first_loads()
    {
        var program = StateProgram.Create(new(), StatePlan.Q35(), emulated: true);

        (program.Image.Length % 512).ShouldBe(0);
        program.Image.Span[510..512].ToArray().ShouldBe([0x55, 0xaa]);
        (At(program, "sectors_to_load") & 0xffff).ShouldBe((uint)program.Sectors - 1);
        // The BIOS reads at most 127 sectors at once, and the disk's geometry has at most 255.
        program.Sectors.ShouldBeLessThanOrEqualTo(128);
    }

    [Test]
    public void Its_lists_are_behind_the_program_each_with_its_end()
    {
        StateOperation[] setup = [new(StateOperationKind.Out8, 0x70, 0x45), new(StateOperationKind.WriteMsr, 0xc000_0081, 0x1234, 0x11)];
        StateOperation[] check = [new(StateOperationKind.Cpuid, 7, 0xffff_ffff, 1, 9, 2)];
        var program = StateProgram.Create(new(), new(setup, [], [], check, [], []), emulated: true);

        var first = List(program, "tables_global_setup");
        first[0].ShouldBe((byte)StateOperationKind.Out8);
        Number(first[4..]).ShouldBe(0x70u);
        Number(first[8..]).ShouldBe(0x45u);
        first[24].ShouldBe((byte)StateOperationKind.WriteMsr);
        Number(first[40..]).ShouldBe(0x11u);
        first[48].ShouldBe((byte)StateOperationKind.End);
        List(program, "tables_cpu_setup")[0].ShouldBe((byte)StateOperationKind.End);
        var last = List(program, "tables_cpu_check");
        last[..4].ToArray().ShouldBe([(byte)StateOperationKind.Cpuid, 2, 9, 0]);
        Number(last[16..]).ShouldBe(1u);
        last[24].ShouldBe((byte)StateOperationKind.End);
    }

    [Test]
    public void What_is_read_has_a_name_of_its_own()
    {
        var plan = StatePlan.Q35();

        plan.Names.Count.ShouldBeLessThanOrEqualTo(StateOperation.LastItem);
        plan.Names.ShouldBeUnique();
        var read = plan.Lists.SelectMany(list => list.Operations).Where(operation => operation.Item > 0).Select(operation => (int)operation.Item).ToList();
        read.Order().ShouldBe(Enumerable.Range(1, plan.Names.Count));
    }

    [TestCase(1u, "fw_cfg: first byte")]
    [TestCase(0x420u, "cr0")]
    [TestCase(0x448u, "pit0 counter")]
    [TestCase(0x452u, "SSE store across pages first page")]
    [TestCase(0x45bu, "page table entry that the CPU marked")]
    [TestCase(0x818u, "MXCSR")]
    [TestCase(0x838u, "ST1, high half")]
    [TestCase(0x8a8u, "XMM0, high half")]
    [TestCase(0xa50u, "YMM1, upper lane, low half")]
    [TestCase(0x200fu, "memory from 0xf0000 on, 64 KiB (a sum)")]
    [TestCase(0x1fa3cu, "PCI configuration space of 00:1f.2, offset 0x3c")]
    [TestCase(0x3ffu, "item 0x3ff")]
    public void An_item_is_named(uint item, string name) => StateProgram.Create(new(), StatePlan.Q35(), emulated: true).NameOf(item).ShouldBe(name);

    [TestCase(0)]
    [TestCase(9)]
    public void A_number_of_vCPUs_out_of_range_is_refused(int vcpus) =>
        Should.Throw<ArgumentOutOfRangeException>(() => StateProgram.Create(new() { Vcpus = vcpus }, Empty, emulated: true));

    [TestCase(1, 1)]
    [TestCase(3, 3)]
    [TestCase(3, -1)]
    public void More_late_vCPUs_than_there_can_be_are_refused(int vcpus, int late) =>
        Should.Throw<ArgumentOutOfRangeException>(() => StateProgram.Create(new() { Vcpus = vcpus, LateVcpus = late }, Empty, emulated: true));

    [Test]
    public void Each_vCPU_has_pages_of_its_own_below_the_next_one_s_and_within_what_is_mapped()
    {
        var symbols = StateProgram.Create(new(), Empty, emulated: true).Symbols;

        symbols["cpu_blocks"].ShouldBeLessThanOrEqualTo(symbols["own_pages"] - (StateGuestSettings.MostVcpus * symbols["cpu_block_size"]));
        symbols["own_table"].ShouldBeLessThan(symbols["own_size"]);
        (symbols["own_across_first_busy"] & 0xfff).ShouldBeGreaterThan(0x1000u - sizeof(ulong));
        (symbols["own_pages"] & 0xfff).ShouldBe(0u);
    }

    [Test]
    public void A_program_that_is_not_the_one_of_the_symbols_is_refused()
    {
        var symbols = StateProgram.Create(new(), Empty, emulated: true).Symbols;

        Should.Throw<GuestException>(() => StateProgram.Patch(new byte[100_000], symbols, new(), Empty, emulated: true)).Message.ShouldContain("Assemble it again");
        Should.Throw<GuestException>(() => StateProgram.Patch(new byte[511], symbols, new(), Empty, emulated: true)).Message.ShouldContain("511 bytes");
    }

    [Test]
    public void A_vCPU_s_words_are_read_by_their_symbols()
    {
        var program = StateProgram.Create(new(), Empty, emulated: true);
        var block = new byte[StateVcpu.Size];
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan((int)program.Symbols["cpu_laps"]), 77);
        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan((int)program.Symbols["cpu_reports"]), 2);

        StateVcpu.Read(block, program.Symbols).ShouldBe(new StateVcpu(0, 77, 0, 0, 2, 0, 0));
    }

    private static ReadOnlySpan<byte> List(StateProgram program, string symbol) => program.Image.Span[(int)(At(program, symbol) - GuestProgram.LoadAddress)..];

    private static uint At(StateProgram program, string symbol) => Number(program.Image.Span[(int)(program.Symbols[symbol] - GuestProgram.LoadAddress)..]);

    private static uint Number(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
