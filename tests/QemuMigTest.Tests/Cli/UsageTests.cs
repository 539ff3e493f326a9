using System.Text.Json;
using NUnit.Framework;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

/// <summary>Command lines that are wrong, and what is shown without running anything.</summary>
[NonParallelizable]
public sealed class UsageTests
{
    [TestCase("'/sample/goood'. Did you mean /sample/good?", "run", "-p", "/sample/goood")]
    [TestCase("'/sample/good/'. Did you mean /sample/good?", "run", "--skip", "/sample/good/")]
    [TestCase("'/nowhere/at/all'. 'qemu-mig-test list' shows all.", "list", "-p", "/nowhere/at/all")]
    [TestCase("--skip leaves no test to run.", "run", "-p", "/sample/good", "-s", "/sample")]
    [TestCase("--jobs is '0', wanted a whole number from 1 to 1024.", "run", "-j", "0")]
    [TestCase("--jobs is '2000000000', wanted a whole number from 1 to 1024.", "run", "--jobs", "2000000000")]
    [TestCase("--repeat is 'often', wanted a whole number from 1.", "run", "--repeat", "often")]
    [TestCase("--timeout-scale is '0', wanted a number from 0.01 to 10000 such as 2.5.", "run", "--timeout-scale", "0")]
    [TestCase("--timeout-scale is '10000.1', wanted a number from 0.01 to 10000", "run", "--timeout-scale", "10000.1")]
    [TestCase("FILE is empty, wanted the path of a file.", "stream", "")]
    [TestCase("FILE is empty, wanted the path of a file.", "qemu", "wrapper", "trixie", "")]
    [TestCase("--output is empty, wanted the path of a file.", "catalogue", "results", "--output", "")]
    [TestCase("--output is empty, wanted the path of a file, or - for standard output.", "bench", "--upstream", "/bin/sh", "--output", "")]
    [TestCase("--accel is 'xen', wanted auto, tcg or kvm.", "run", "--accel", "xen")]
    [TestCase("There is no command or option 'rum'. The commands are: run, list", "rum")]
    [TestCase("A command is missing.")]
    [TestCase("--colour", "run", "--colour")]
    public async Task A_wrong_command_line_is_said_in_one_line_with_a_hint(string wanted, params string[] args)
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync(args)).ShouldBe(2);

        var lines = command.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(2, command.Error);
        lines[0].ShouldStartWith("qemu-mig-test: ");
        lines[0].ShouldContain(wanted);
        lines[1].ShouldStartWith("Try 'qemu-mig-test");
        command.Out.ShouldBeEmpty();
        command.Prepared.ShouldBeNull();
    }

    [Test]
    public async Task A_results_folder_that_can_not_be_written_to_is_refused_before_the_run()
    {
        using var command = new CommandRun();
        var file = Path.Combine(command.Results, "file");
        await File.WriteAllTextAsync(file, "");

        (await command.ExecuteAsync("run", "--results", Path.Combine(file, "below"))).ShouldBe(2);

        command.Error.ShouldContain($"The results folder {file}/below can not be written to: ");
        command.Error.ShouldContain("Choose another with --results DIR.");
        command.Prepared.ShouldBeNull();
    }

    [Test]
    public async Task A_results_folder_on_a_full_disk_is_refused_and_left_as_it_was()
    {
        using var command = new CommandRun();
        File.CreateSymbolicLink(Path.Combine(command.Results, $".probe.{Environment.ProcessId}.tmp"), "/dev/full");

        (await command.ExecuteAsync("run")).ShouldBe(2);

        command.Error.ShouldContain("No space left on device");
        Directory.EnumerateFileSystemEntries(command.Results).ShouldBeEmpty();
    }

    [Test]
    public async Task The_settings_reach_the_preparation()
    {
        using var command = new CommandRun();

        await command.ExecuteAsync("run", "-p", "/sample/good/one", "--src", "bookworm", "--dst", "trixie", "--accel", "tcg", "--machine-type", "pc", "--keep");

        var settings = command.Prepared.ShouldNotBeNull();
        settings.Source.ShouldBe("bookworm");
        settings.Destination.ShouldBe("trixie");
        var parameters = settings.ToParameters();
        parameters["src"].ShouldBe("bookworm");
        parameters["accel"].ShouldBe("tcg");
        parameters["machine-type"].ShouldBe("pc");
        parameters["keep"].ShouldBe("true");
        parameters["timeout-scale"].ShouldBe("1");
        parameters["results"].ShouldBe(command.Results);
        parameters.ShouldNotContainKey("qemu");
    }

    [Test]
    public async Task A_list_in_a_pipe_is_a_path_a_tab_and_what_the_test_needs()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("list", "-p", "/sample/good")).ShouldBe(0);

        command.OutLines.ShouldBe(["/sample/good/one\ta QEMU", "/sample/good/two\ta QEMU, the capability multifd"]);
    }

    [Test]
    public async Task A_list_as_json_says_the_same_and_more()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("list", "--json", "-p", "/sample/bad/takes-too-long")).ShouldBe(0);

        using var json = JsonDocument.Parse(command.Out);
        var test = json.RootElement.EnumerateArray().ShouldHaveSingleItem();
        test.GetProperty("path").GetString().ShouldBe("/sample/bad/takes-too-long");
        test.GetProperty("method").GetString().ShouldBe("Samples.SampleTests.Takes_too_long");
        test.GetProperty("timeoutSeconds").GetDouble().ShouldBePositive();
        test.GetProperty("needs").GetArrayLength().ShouldBe(0);
        test.GetProperty("explicit").GetBoolean().ShouldBeFalse();
    }

    [Test]
    public async Task Help_and_version_come_whatever_else_is_wrong()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "--jobs", "x", "--help")).ShouldBe(0);
        (await command.ExecuteAsync("--version")).ShouldBe(0);

        command.Out.ShouldContain("Examples:");
        command.OutLines[^1].ShouldStartWith("qemu-mig-test 0.");
    }

    [Test]
    public async Task Two_tests_of_one_path_are_refused()
    {
        using var command = new CommandRun { Suite = SampleSuite.Of(typeof(SampleTests), typeof(TwinTests)) };

        (await command.ExecuteAsync("list")).ShouldBe(3);

        command.Error.ShouldContain("Two tests are called /sample/good/one: ");
        command.Error.ShouldContain("Samples.TwinTests.Twin");
    }

    [Test]
    public async Task A_bad_path_in_the_suite_is_refused_with_its_place_and_reason()
    {
        using var command = new CommandRun { Suite = SampleSuite.Of(typeof(BadPathTests)) };

        (await command.ExecuteAsync("list")).ShouldBe(3);

        command.Error.ShouldContain("Samples.BadPathTests.Bad: the path 'migration/x' does not begin with '/'.");
    }

    public abstract class TwinTests
    {
        [NUnit.MigrationTest("/sample/good/one")]
        public void Twin()
        {
        }
    }

    public abstract class BadPathTests
    {
        [NUnit.MigrationTest("migration/x")]
        public void Bad()
        {
        }
    }
}
