using System.Text.RegularExpressions;
using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

namespace QemuMigTest.Tests.Guests;

public class GuestStateTests
{
    private static readonly GuestProgram Program = GuestProgram.AB(new GuestProgramSettings());

    [TestCase(nameof(RegisterTexts.Qemu7InLoop), 9u, 0x0061d000u)]
    [TestCase(nameof(RegisterTexts.Qemu10InLoop), 8u, 0x05697000u)]
    [TestCase(nameof(RegisterTexts.Qemu10Point13InLoop), 9u, 0x0447e000u)]
    [TestCase(nameof(RegisterTexts.Qemu11InLoop), 8u, 0x004f0000u)]
    public void The_state_is_read_from_what_each_QEMU_says(string text, uint pass, uint page)
    {
        var state = GuestState.FromRegisters(Captured(text), Program);

        state.ShouldBe(new GuestState(GuestPhase.Running, pass, page, false, Program.Symbols["increment"]));
    }

    [TestCase(nameof(RegisterTexts.Qemu7AtReset), GuestPhase.NotStarted, 0xffff_fff0u)]
    [TestCase(nameof(RegisterTexts.Qemu11AtReset), GuestPhase.NotStarted, 0xffff_fff0u)]
    [TestCase(nameof(RegisterTexts.Qemu11InBios), GuestPhase.Elsewhere, 0x085f2ddcu)]
    [TestCase(nameof(RegisterTexts.Qemu11KvmPreparing), GuestPhase.Preparing, 0x00007c97u)]
    public void A_guest_outside_its_loop_is_told_where_it_is(string text, GuestPhase phase, uint eip)
    {
        var state = GuestState.FromRegisters(Captured(text), Program);

        state.ShouldBe(new GuestState(phase, 0, 0, false, eip));
        state.ToString().ShouldBe($"{phase}, at 0x{eip:x}");
    }

    [Test]
    public void The_first_of_several_CPUs_is_read()
    {
        var text = RegisterTexts.Qemu11InLoop + RegisterTexts.Qemu11InBios.Replace("CPU#0", "CPU#1", StringComparison.Ordinal);

        GuestState.FromRegisters(text, Program).ShouldBe(GuestState.FromRegisters(RegisterTexts.Qemu11InLoop, Program));
    }

    // Each instruction of the loop: what it says of the page at EBX, and whether the pass is complete.
    [TestCase("loop_begin", 0, 0x100_0000u, 5u, 0x10_0000u, false)]
    [TestCase("loop_begin", 6, 0x100_0000u, 5u, 0x10_0000u, false)]
    [TestCase("increment", 0, 0x100_0000u, 5u, 0x100_0000u, false)]
    [TestCase("incremented", 0, 0x100_0000u, 5u, 0x100_0000u, true)]
    [TestCase("page_advanced", 0, 0x100_0000u, 5u, 0x100_0000u, false)]
    [TestCase("page_advanced", 2, 0x100_0000u, 5u, 0x100_0000u, false)]
    [TestCase("page_advanced", 0, 0x640_0000u, 6u, 0x10_0000u, false)]
    [TestCase("page_advanced", 2, 0x640_0000u, 6u, 0x10_0000u, false)]
    [TestCase("pass_done", 0, 0x640_0000u, 6u, 0x10_0000u, false)]
    [TestCase("pass_counted", 0, 0x640_0000u, 5u, 0x10_0000u, false)]
    [TestCase("pass_counted", 2, 0x640_0000u, 5u, 0x10_0000u, false)]
    [TestCase("suspended", 0, 0x640_0000u, 5u, 0x10_0000u, false)]
    [TestCase("suspended", 1, 0x640_0000u, 5u, 0x10_0000u, false)]
    public void Each_instruction_of_the_loop_has_its_meaning(
        string symbol, int offset, uint ebx, uint pass, uint page, bool incremented)
    {
        var eip = Program.Symbols[symbol] + (uint)offset;
        var text = With(RegisterTexts.Qemu11InLoop, ("EIP", eip), ("EBX", ebx), ("ECX", 5), ("ESI", 5), ("EDX", 0x2_3000));

        GuestState.FromRegisters(text, Program).ShouldBe(new GuestState(GuestPhase.Running, pass, page, incremented, eip)
        {
            // The pass is complete, and none of the pages that turn is turned.
            TurningPage = pass == 6 ? TurningPages.Start : TurningPages.End,
        });
    }

    [TestCase("pass_done", 0, 0x2_0000u)]
    [TestCase("turn", 0, 0x2_3000u)]
    [TestCase("turn", 5, 0x2_3000u)]
    [TestCase("turned", 0, 0x2_4000u)]
    [TestCase("turn_advanced", 0, 0x2_3000u)]
    [TestCase("turn_advanced", 6, 0x2_3000u)]
    [TestCase("turns_done", 0, 0x3_0000u)]
    public void Between_passes_it_is_told_which_pages_are_turned(string symbol, int offset, uint turningPage)
    {
        var eip = Program.Symbols[symbol] + (uint)offset;
        var text = With(RegisterTexts.Qemu11InLoop, ("EIP", eip), ("EBX", 0x640_0000u), ("ECX", 5), ("ESI", 5), ("EDX", 0x2_3000));

        GuestState.FromRegisters(text, Program).ShouldBe(new GuestState(GuestPhase.Running, 6, 0x10_0000u, false, eip) { TurningPage = turningPage });
    }

    [TestCase("increment", "EBX", 0x100_0001u, "EBX must be a page")]
    [TestCase("increment", "EBX", 0xf_f000u, "EBX must be a page")]
    [TestCase("increment", "EBX", 0x640_0000u, "EBX must be below the region's end")]
    [TestCase("page_advanced", "EBX", 0x640_1000u, "EBX must not be a page beyond the region's end")]
    [TestCase("page_advanced", "EBX", 0x10_0000u, "EBX must be a page after the first")]
    [TestCase("pass_done", "EBX", 0x63f_f000u, "EBX must have reached the region's end")]
    [TestCase("increment", "ECX", 9u, "ESI must be ECX & 255")]
    [TestCase("increment", "ESI", 0x108u, "ESI must be ECX & 255")]
    [TestCase("increment", "EDI", 0x640_0001u, "EDI must be the region's end")]
    [TestCase("increment", "EBP", 0x2000u, "EBP must be the page stride")]
    [TestCase("turn", "EDX", 0x2_0001u, "EDX must be a page that turns", 0x640_0000u)]
    [TestCase("turned", "EDX", 0x3_1000u, "EDX must be a page that turns", 0x640_0000u)]
    [TestCase("loop_end", "EBX", 0x10_0000u, "EIP is at loop_end, which is data")]
    public void Registers_that_the_program_cannot_have_are_an_error_that_quotes_them(
        string symbol, string register, uint value, string reason, uint? ebx = null)
    {
        var text = With(RegisterTexts.Qemu11InLoop, ("EIP", Program.Symbols[symbol]), (register, value));
        text = ebx is { } page ? With(text, ("EBX", page)) : text;

        var error = Should.Throw<GuestException>(() => GuestState.FromRegisters(text, Program));

        error.Message.ShouldContain(reason);
        error.Message.ShouldContain(text);
    }

    [Test]
    public void Another_mode_of_the_CPU_in_the_program_is_an_error()
    {
        Should.Throw<GuestException>(() => GuestState.FromRegisters(RegisterTexts.Qemu11InLongMode, Program))
            .Message.ShouldContain("64-bit mode");
        var sixteenBits = RegisterTexts.Qemu11InLoop.Replace("00cf9a00", "00009b00", StringComparison.Ordinal);
        Should.Throw<GuestException>(() => GuestState.FromRegisters(sixteenBits, Program)).Message.ShouldContain("16-bit mode");
    }

    [Test]
    public void A_guest_of_64_bits_elsewhere_is_elsewhere()
    {
        var text = RegisterTexts.Qemu11InLongMode.Replace("RIP=0000000000007c", "RIP=ffffffff80007c", StringComparison.Ordinal);

        GuestState.FromRegisters(text, Program).Phase.ShouldBe(GuestPhase.Elsewhere);
    }

    [Test]
    public void The_first_instruction_in_16_bits_is_of_the_program()
    {
        var text = RegisterTexts.Qemu11AtReset
            .Replace("EIP=0000fff0", "EIP=00007c00", StringComparison.Ordinal)
            .Replace("CS =f000 ffff0000", "CS =0000 00000000", StringComparison.Ordinal);

        GuestState.FromRegisters(text, Program).Phase.ShouldBe(GuestPhase.Preparing);
    }

    [TestCase("")]
    [TestCase("Error: no CPU")]
    [TestCase("CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]")]
    public void A_text_of_another_kind_is_an_error_that_quotes_it(string text) =>
        Should.Throw<GuestException>(() => GuestState.FromRegisters(text, Program)).Message.ShouldEndWith($"It said:\n{text}");

    [Test]
    public void The_passes_of_a_page_are_one_more_up_to_the_page_being_worked_on()
    {
        var state = new GuestState(GuestPhase.Running, 7, 0x20_0000, false, 0);

        state.PassesOf(0x1f_f000).ShouldBe(8u);
        state.PassesOf(0x20_0000).ShouldBe(7u);
        (state with { PageIncremented = true }).PassesOf(0x20_0000).ShouldBe(8u);
        state.PassesOf(0x20_1000).ShouldBe(7u);
    }

    private static string Captured(string name) => (string)typeof(RegisterTexts).GetProperty(name)!.GetValue(null)!;

    private static string With(string text, params (string Register, uint Value)[] changes)
    {
        foreach (var (register, value) in changes)
            text = Regex.Replace(text, $@"\b{register}=[0-9a-f]+", $"{register}={value:x8}");
        return text;
    }
}
