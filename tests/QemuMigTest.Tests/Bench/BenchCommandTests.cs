using NUnit.Framework;
using QemuMigTest.Tests.Cli;
using Shouldly;

namespace QemuMigTest.Tests.Bench;

[NonParallelizable]
public sealed class BenchCommandTests
{
    [Test]
    public async Task Without_a_harness_it_says_what_to_give()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("bench", "--upstream", "")).ShouldBe(2);

        command.Error.ShouldContain("--upstream SCRIPT, or in QEMU_MIG_TEST_UPSTREAM");
    }

    [Test]
    public async Task A_harness_that_is_not_there_is_named()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("bench", "--upstream", Path.Combine(command.Results, "none.sh"))).ShouldBe(2);

        command.Error.ShouldContain("none.sh");
    }

    [TestCase("--repeat")]
    [TestCase("--upstream-repeat")]
    public async Task Nothing_is_measured_less_than_once(string option)
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("bench", "--upstream", "/bin/sh", option, "0")).ShouldBe(2);

        command.Error.ShouldContain("whole numbers from 1");
    }
}
