using NUnit.Framework;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

/// <summary>Failures of fixtures, which NUnit does not report as those of a test.</summary>
[NonParallelizable]
public sealed class FixtureFailureTests
{
    [Test]
    public async Task A_fixture_that_can_not_be_set_up_fails_each_of_its_tests()
    {
        using var command = new CommandRun { Suite = SampleSuite.Of(typeof(NoSetUpTests)) };

        (await command.ExecuteAsync("run")).ShouldBe(1);

        command.Out.ShouldContain("FAIL /sample/no-set-up ");
        command.Out.ShouldContain("set-up failed");
    }

    [Test]
    public async Task A_fixture_that_can_not_be_torn_down_makes_a_run_of_passed_tests_fail()
    {
        using var command = new CommandRun { Suite = SampleSuite.Of(typeof(NoTearDownTests)) };

        (await command.ExecuteAsync("run")).ShouldBe(1);

        command.Out.ShouldContain("ok   /sample/no-tear-down ");
        command.Out.ShouldContain("tear-down failed");
        command.Record.Problems.ShouldHaveSingleItem().ShouldContain("NoTearDownTests");
    }

    [Test]
    public async Task Tap_bails_out_for_a_failure_that_belongs_to_no_test()
    {
        using var command = new CommandRun { Suite = SampleSuite.Of(typeof(NoTearDownTests)) };

        (await command.ExecuteAsync("run", "--tap")).ShouldBe(1);

        command.OutLines[1].ShouldBe("1..1");
        command.OutLines.ShouldContain("ok 1 - /sample/no-tear-down");
        command.OutLines[^1].ShouldStartWith("Bail out! ");
        command.OutLines[^1].ShouldContain("tear-down failed");
    }

    public abstract class NoSetUpTests
    {
        [OneTimeSetUp]
        public void SetUp() => throw new InvalidOperationException("set-up failed");

        [NUnit.MigrationTest("/sample/no-set-up")]
        public void Test()
        {
        }
    }

    public abstract class NoTearDownTests
    {
        [OneTimeTearDown]
        public void TearDown() => throw new InvalidOperationException("tear-down failed");

        [NUnit.MigrationTest("/sample/no-tear-down")]
        public void Test()
        {
        }
    }
}
