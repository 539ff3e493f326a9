using System.Buffers.Binary;
using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

namespace QemuMigTest.Tests.Guests;

public class GuestProgramTests
{
    private static readonly GuestProgramSettings UnlikeTheDefaults = new()
    {
        RegionStart = 0x20_0000,
        RegionEnd = 0x123_4000,
        PageStride = 0x3000,
        StampSpacing = 64,
        PassesPerMarker = 0x0102_0304,
        Suspend = true,
    };

    [Test]
    public void The_settings_are_where_the_symbols_say()
    {
        var program = GuestProgram.AB(UnlikeTheDefaults);

        program.Settings.ShouldBe(UnlikeTheDefaults);
        At(program, "region_start").ShouldBe(0x20_0000u);
        At(program, "region_end").ShouldBe(0x123_4000u);
        At(program, "page_stride").ShouldBe(0x3000u);
        At(program, "stamp_spacing").ShouldBe(64u);
        At(program, "passes_per_marker").ShouldBe(0x0102_0304u);
        At(program, "flags").ShouldBe(1u);
    }

    [Test]
    public void Nothing_else_is_changed_and_it_is_still_a_boot_sector()
    {
        var defaults = GuestProgram.AB(new GuestProgramSettings()).Image.ToArray();
        var patched = GuestProgram.AB(UnlikeTheDefaults).Image.ToArray();

        patched.Length.ShouldBe(512);
        patched[510..].ShouldBe([0x55, 0xaa]);
        patched[..0x1e4].ShouldBe(defaults[..0x1e4]);
        patched[0x1fc..].ShouldBe(defaults[0x1fc..]);
    }

    [Test]
    public void The_default_settings_are_those_of_the_boot_block_itself()
    {
        var assembled = File.ReadAllBytes(Path.Combine(GuestAssembler.Repository, "bootblocks", "a-b.bin"));

        Convert.ToHexString(GuestProgram.AB(new GuestProgramSettings()).Image.Span).ShouldBe(Convert.ToHexString(assembled));
    }

    [Test]
    public void A_boot_block_without_the_magic_is_refused()
    {
        var program = GuestProgram.AB(new GuestProgramSettings());

        var error = Should.Throw<GuestException>(() =>
            GuestProgram.Patch(program.Image.Span, program.Symbols, "C-D1"u8, new GuestProgramSettings()));

        error.Message.ShouldContain("412d4231");
        error.Message.ShouldContain("432d4431");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(511)]
    [TestCase(512)]
    [TestCase(513)]
    public void What_is_no_boot_sector_is_refused(int length)
    {
        var program = GuestProgram.AB(new GuestProgramSettings());

        Should.Throw<GuestException>(() =>
            GuestProgram.Patch(new byte[length], program.Symbols, "A-B1"u8, new GuestProgramSettings()))
            .Message.ShouldContain($"is {length} bytes");
    }

    [TestCase(0x0010_0001u, 0x640_0000u, 0x1000u, 4u, 8u, nameof(GuestProgramSettings.RegionStart))]
    [TestCase(0x000f_f000u, 0x640_0000u, 0x1000u, 4u, 8u, nameof(GuestProgramSettings.RegionStart))]
    [TestCase(0x0010_0000u, 0x640_0800u, 0x1000u, 4u, 8u, nameof(GuestProgramSettings.RegionEnd))]
    [TestCase(0x0010_0000u, 0x0010_0000u, 0x1000u, 4u, 8u, nameof(GuestProgramSettings.RegionEnd))]
    [TestCase(0x0010_0000u, 0x8000_1000u, 0x1000u, 4u, 8u, nameof(GuestProgramSettings.RegionEnd))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0u, 4u, 8u, nameof(GuestProgramSettings.PageStride))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1800u, 4u, 8u, nameof(GuestProgramSettings.PageStride))]
    [TestCase(0x0010_0000u, 0x0010_1000u, 0x2000u, 4u, 8u, nameof(GuestProgramSettings.PageStride))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1000u, 2u, 8u, nameof(GuestProgramSettings.StampSpacing))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1000u, 12u, 8u, nameof(GuestProgramSettings.StampSpacing))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1000u, 512u, 8u, nameof(GuestProgramSettings.StampSpacing))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1000u, 0x2_0000u, 8u, nameof(GuestProgramSettings.StampSpacing))]
    [TestCase(0x0010_0000u, 0x640_0000u, 0x1000u, 4u, 0u, nameof(GuestProgramSettings.PassesPerMarker))]
    public void A_setting_out_of_range_is_refused_by_name(
        uint start, uint end, uint stride, uint spacing, uint passes, string name)
    {
        var settings = new GuestProgramSettings
        {
            RegionStart = start,
            RegionEnd = end,
            PageStride = stride,
            StampSpacing = spacing,
            PassesPerMarker = passes,
        };

        Should.Throw<ArgumentException>(settings.Validate).ParamName.ShouldBe(name);
        Should.Throw<ArgumentException>(() => GuestProgram.AB(settings)).ParamName.ShouldBe(name);
    }

    [TestCase(0x0010_0000u, 0x0010_1000u, 0x1000u)]
    [TestCase(0x0010_0000u, 0x8000_0000u, 0x1000u)]
    [TestCase(0x0010_0000u, 0x0010_5000u, 0x2000u)]
    public void The_ends_of_the_ranges_are_allowed(uint start, uint end, uint stride) =>
        Should.NotThrow(() => GuestProgram.AB(new GuestProgramSettings { RegionStart = start, RegionEnd = end, PageStride = stride }));

    [Test]
    public void Symbols_are_read_and_described()
    {
        var symbols = GuestSymbols.Parse("00007c00 T _start\n00007c2a T stamp\n");

        symbols.Names.ShouldBe(["_start", "stamp"], ignoreOrder: true);
        symbols["stamp"].ShouldBe(0x7c2au);
        symbols.Describe(0x7c2a).ShouldBe("stamp");
        symbols.Describe(0x7c2f).ShouldBe("stamp+0x5");
        symbols.Describe(0x7bff).ShouldBe("0x7bff");
        Should.Throw<GuestException>(() => symbols["loop"]).Message.ShouldContain("only _start, stamp");
    }

    [TestCase("7c00 _start")]
    [TestCase("xyz T _start")]
    [TestCase("00007c00 T _start\n00007c01 T _start")]
    public void Symbols_that_cannot_be_read_are_refused(string text) =>
        Should.Throw<GuestException>(() => GuestSymbols.Parse(text)).Message.ShouldContain("_start'");

    private static uint At(GuestProgram program, string symbol) =>
        BinaryPrimitives.ReadUInt32LittleEndian(program.Image.Span[(int)(program.Symbols[symbol] - GuestProgram.LoadAddress)..]);
}
