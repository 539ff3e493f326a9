using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.NUnit.Requirements;
using Shouldly;

namespace QemuMigTest.Tests.Binaries;

public sealed class CommonMachineTests
{
    private static readonly QemuBinary Old = Builds.Of(9, 2, new("pc-q35-8.2", null, false), new("pc-q35-9.2", "q35", false), new("pc-i440fx-9.2", "pc", false), new("microvm", null, false));
    private static readonly QemuBinary New = Builds.Of(10, 0, new("pc-q35-9.2", null, false), new("pc-q35-10.0", "q35", false), new("pc-i440fx-10.0", "pc", false), new("microvm", null, false));

    [Test]
    public void The_newest_q35_that_both_know_is_taken_whichever_side_is_older()
    {
        CommonMachine.Choose(Old, New, null).ShouldBe("pc-q35-9.2");
        CommonMachine.Choose(New, Old, null).ShouldBe("pc-q35-9.2");
        CommonMachine.Choose(New, New, null).ShouldBe("pc-q35-10.0");
    }

    [TestCase("q35", "pc-q35-9.2")]
    [TestCase("pc-q35-9.2", "pc-q35-9.2")]
    [TestCase("microvm", "microvm")]
    public void An_alias_or_a_name_overrides_the_choice(string wanted, string chosen) => CommonMachine.Choose(Old, New, wanted).ShouldBe(chosen);

    [TestCase("pc-q35-10.0", "10.0")]
    [TestCase("microvm", null)]
    public void A_machine_types_name_tells_its_version(string name, string? version) => (CommonMachine.Version(name)?.ToString()).ShouldBe(version);

    [Test]
    public void An_old_destination_is_no_reason_to_skip_what_the_source_alone_must_be_new_for()
    {
        var requirement = new RequiresSourceVersionAttribute(10, 0, "it fails before");
        requirement.Check(Builds.Pair(New, Old)).ShouldBeNull();
        requirement.Check(Builds.Pair(Old, New)).ShouldBe(new MissingRequirement($"source {Old}", "it fails before"));
        requirement.Check(Builds.Pair(Old, Old)).ShouldNotBeNull();
        requirement.Wanted.ShouldBe("QEMU 10.0 on the source");
        new RequiresVersionAttribute(10, 0, "").Check(Builds.Pair(New, Old)).ShouldBe(new MissingRequirement($"destination {Old}", ""));
    }

    [Test]
    public void A_destination_that_is_older_than_what_is_sent_is_missing_and_an_older_source_is_not()
    {
        var requirement = new RequiresDestinationSinceAttribute(10, 0, "it sends more");
        requirement.Check(Builds.Pair(New, Old)).ShouldBe(new MissingRequirement($"{New} and {Old}", "it sends more"));
        requirement.Check(Builds.Pair(Old, New)).ShouldBeNull();
        requirement.Check(Builds.Pair(Old, Old)).ShouldBeNull();
        requirement.Check(Builds.Pair(New, New)).ShouldBeNull();
        requirement.Wanted.ShouldBe("a destination of QEMU 10.0 or later for a source of 10.0 or later");
    }

    [Test]
    public void A_name_that_one_side_does_not_know_is_refused_and_not_replaced()
    {
        Should.Throw<QemuMigTestException>(() => CommonMachine.Choose(New, Old, "pc-q35-10.0")).Message.ShouldContain("known to the source, QEMU 10.0.0");
        Should.Throw<QemuMigTestException>(() => CommonMachine.Choose(Old, New, "pc-q35-10.0")).Message.ShouldContain("not to the source, QEMU 9.2.0");
        Should.Throw<QemuMigTestException>(() => CommonMachine.Choose(Old, New, "pc-q35-8.2")).Message.ShouldContain("not to the destination, QEMU 10.0.0");
    }

    [Test]
    public void A_family_without_a_common_version_and_a_name_that_nobody_knows_are_refused()
    {
        Should.Throw<QemuMigTestException>(() => CommonMachine.Choose(Old, New, "pc")).Message.ShouldStartWith("No pc-i440fx machine type is known to both");
        var unknown = Should.Throw<QemuMigTestException>(() => CommonMachine.Choose(Old, New, "virt")).Message;
        unknown.ShouldContain("virt is known neither");
        unknown.ShouldContain("pc-q35-8.2 pc-q35-9.2");
    }

    [Test]
    public void Versions_are_compared_as_numbers()
    {
        var build = Builds.Of(10, 1, new("pc-q35-9.2", null, false), new("pc-q35-10.1", "q35", false), new("pc-q35-10.0", null, false), new("pc-q35-2.12", null, true));
        CommonMachine.Choose(build, build, null).ShouldBe("pc-q35-10.1");
    }
}
