using NUnit.Framework;
using QemuMigTest.Guests.State;
using Shouldly;

namespace QemuMigTest.Tests.Guests.State;

public class StateDamageTests
{
    [TestCase("")]
    [TestCase("ABBBB")]
    [TestCase("ABB\n!0 420 80050033 0 1")]
    public void A_line_without_damage_or_with_damage_not_yet_told_whole_gives_none(string text) => StateDamage.Parse(text, out _).ShouldBeEmpty();

    [Test]
    public void Each_line_of_damage_is_read_and_the_markers_between_are_passed()
    {
        var found = StateDamage.Parse("ABB\n!0 420 80050033 11 2f \nBB\n!2 818 df80 ffffffffffffffff 30 \n\n!1 1 51 0 31 \nB", out var strange);

        found.ShouldBe(
        [
            new(0, 0x420, 0x8005_0033, 0x11, 0x2f),
            new(2, 0x818, 0xdf80, ulong.MaxValue, 0x30),
            new(1, 1, 0x51, 0, 0x31),
        ]);
        strange.ShouldBeEmpty();
    }

    [Test]
    public void Damage_is_told_by_vCPU_name_and_values() =>
        new StateDamage(1, 0x420, 0x8005_0033, 0x11, 47).Describe(StateProgram.Create(new() { Vcpus = 2 }, StatePlan.Q35(), emulated: true))
            .ShouldBe("vCPU 1: cr0: expected 0x80050033, seen 0x11 (lap 47)");

    [TestCase("ABxB")]
    [TestCase("AB\n!0 420 80050033 0\n")]
    [TestCase("AB\n!0 420 80050033 0 1 2\n")]
    [TestCase("AB\n!0 420 80050033 zero 1\n")]
    [TestCase("AB\n!9 420 80050033 0 1\n")]
    [TestCase("AB\n!0 123456789 80050033 0 1\n")]
    public void What_the_guest_does_not_write_is_quoted(string text)
    {
        StateDamage.Parse(text, out var strange).ShouldBeEmpty();
        strange.ShouldHaveSingleItem().ShouldContain($"\"{text.Trim().Split('\n')[^1]}\"");
    }

    [Test]
    public void A_line_that_lost_characters_hides_no_other()
    {
        var found = StateDamage.Parse("B\n!0 45c fffffffe00000001 ffffff!0 93 c2 c1 2f \n\n!0 460 1 2 30 \nBxB", out var strange);

        found.ShouldBe([new(0, 0x460, 1, 2, 0x30)]);
        strange.Count.ShouldBe(2);
    }
}
