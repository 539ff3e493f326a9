using NUnit.Framework;
using QemuMigTest.Guests;
using Shouldly;

namespace QemuMigTest.Tests.Guests;

public class OutsideMemoryTests
{
    private const uint Page = 0x700_0000;
    private static readonly GuestProgram Program = GuestProgram.AB(new GuestProgramSettings());
    private static readonly GuestMemoryModel Model = new(Program);

    [Test]
    public void The_program_and_the_pages_that_turn_are_known_from_the_start()
    {
        var known = Known(Model, pass: 0);

        known.Count.ShouldBe(1 + 16);
        known[0].Page.ShouldBe(0x7000u);
        known[0].Offset.ShouldBe(0xc00);
        known[0].Expected.ToArray().ShouldBe(Program.Image.ToArray());
        known.Skip(1).SelectMany(page => page.Expected.ToArray()).Distinct().ShouldBe([(byte)0]);
    }

    // Pass number 5 is 101 in binary, and the page's place says which bit counts.
    [TestCase(0x2_0000u, 5u)]
    [TestCase(0x2_1000u, 0u)]
    [TestCase(0x2_2000u, 5u)]
    [TestCase(0x2_3000u, 0u)]
    [TestCase(0x2_4000u, 5u)]
    public void A_page_that_turns_holds_the_pass_number_or_zero(uint page, uint expected) =>
        ValueAt(Model, page, pass: 6).ShouldBe(expected);

    [Test]
    public void While_the_guest_turns_them_the_first_are_of_this_pass_and_the_others_of_the_one_before()
    {
        var state = new GuestState(GuestPhase.Running, 8, 0x10_0000, false, 0) { TurningPage = 0x2_4000 };

        Value(Model, 0x2_0000, state).ShouldBe(7u);
        Value(Model, 0x2_3000, state).ShouldBe(0u);
        Value(Model, 0x2_4000, state).ShouldBe(0u);
        Value(Model, 0x2_5000, state).ShouldBe(6u);
    }

    [Test]
    public void A_page_as_it_was_before_its_last_write_is_told_and_who_wrote_it()
    {
        var (first, second) = (Filled(1), Filled(2));
        var model = Model.WithWrittenOutside(Page, first, "by the framework before migration 1").WithWrittenOutside(Page, second, "by the framework before migration 2");
        var known = Known(model, pass: 3).Single(bytes => bytes.Page == Page);

        known.Examine(second).ShouldBeNull();
        var damage = known.Examine(first).ShouldNotBeNull();
        damage.Kind.ShouldBe(DamageKind.EarlierContent);
        damage.ToString().ShouldEndWith("; last written by the framework before migration 2");
        known.Examine(new byte[4096]).ShouldNotBeNull().Kind.ShouldBe(DamageKind.Zeros);
        second[7] ^= 1;
        known.Examine(second).ShouldNotBeNull().Kind.ShouldBe(DamageKind.BitFlip);
    }

    [Test]
    public void A_page_that_turns_and_is_behind_is_told()
    {
        var known = Known(Model, pass: 6).Single(bytes => bytes.Page == 0x2_0000);
        var before = Known(Model, pass: 4).Single(bytes => bytes.Page == 0x2_0000).Expected;

        var damage = known.Examine(before.Span).ShouldNotBeNull();
        damage.Kind.ShouldBe(DamageKind.EarlierContent);
        damage.LastWritten.ShouldBe("after the guest's pass 6");
    }

    [TestCase(0x10_0000u)]
    [TestCase(0x7000u)]
    [TestCase(0x2_3000u)]
    [TestCase(0x700_0001u)]
    public void A_page_that_is_the_guests_cannot_be_written(uint page) =>
        Should.Throw<ArgumentException>(() => Model.WithWrittenOutside(page, new byte[4096], "")).Message.ShouldContain($"0x{page:x}");

    private static byte[] Filled(byte value) => [.. Enumerable.Repeat(value, 4096)];

    private static List<KnownBytes> Known(GuestMemoryModel model, uint pass) => [.. model.Outside.At(new GuestState(GuestPhase.Running, pass, 0x10_0000, false, 0))];

    private static uint ValueAt(GuestMemoryModel model, uint page, uint pass) => Value(model, page, new GuestState(GuestPhase.Running, pass, 0x10_0000, false, 0));

    private static uint Value(GuestMemoryModel model, uint page, GuestState state) =>
        BitConverter.ToUInt32(model.Outside.At(state).Single(bytes => bytes.Page == page).Expected.Span);
}
