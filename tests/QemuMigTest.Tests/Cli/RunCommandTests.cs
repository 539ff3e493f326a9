using NUnit.Framework;
using QemuMigTest.Results;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

/// <summary>Not parallel: each run takes the console of .NET for its tests, and NUnit's test parameters are the process's.</summary>
[NonParallelizable]
public sealed class RunCommandTests
{
    [Test]
    public async Task A_run_in_which_all_passes_returns_0_and_says_so_in_its_last_line()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/good")).ShouldBe(0, command.Error);

        command.OutLines.ShouldContain(line => line.StartsWith("ok   /sample/good/one ", StringComparison.Ordinal) && line.EndsWith(" s", StringComparison.Ordinal));
        command.OutLines[^1].ShouldStartWith("2 passed, 0 failed, 0 skipped in ");
        command.Error.ShouldBeEmpty();
        command.Cleanups.ShouldBe(0);
    }

    [Test]
    public async Task The_header_names_the_qemu_the_machine_type_the_accelerator_and_the_host()
    {
        using var command = new CommandRun();

        await command.ExecuteAsync("run", "-p", "/sample/good");

        command.OutLines[0].ShouldBe("QEMU        trixie 10.0.13 (1:10.0.13+ds-0+deb13u1)  /usr/bin/qemu-system-x86_64");
        command.Out.ShouldContain("machine     pc-q35-10.0\n");
        command.Out.ShouldContain("accelerator tcg: /dev/kvm is not there\n");
        command.Out.ShouldContain("Linux ");
    }

    [Test]
    public async Task A_failure_returns_1_and_shows_reason_output_and_folder()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/bad/throws", "-p", "/sample/good/one")).ShouldBe(1);

        command.OutLines.ShouldContain(line => line.StartsWith("FAIL /sample/bad/throws ", StringComparison.Ordinal));
        command.Out.ShouldContain("     QemuMigTestException: Waited 5 s for 'cancelled', saw 'active' last.\n");
        command.Out.ShouldContain("       said on standard output\n       said on standard error\n");
        command.Out.ShouldContain(Path.Combine(command.Results, "sample", "bad"));
        command.OutLines[^1].ShouldStartWith("1 passed, 1 failed, 0 skipped in ");
    }

    [Test]
    public async Task A_test_that_passes_after_its_limit_has_failed()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/bad/ignores-its-token")).ShouldBe(1);

        command.Out.ShouldContain("and its limit is 0.05 s. It ignored its cancellation token.");
    }

    [Test]
    public async Task A_test_that_is_cancelled_at_its_limit_says_which_limit()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/bad/takes-too-long", "--timeout-scale", "2")).ShouldBe(1);

        command.Out.ShouldContain("The test ran for longer than its limit of 0.1 s and was cancelled.");
    }

    [Test]
    public async Task A_run_in_which_all_is_skipped_is_not_green()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/skipped")).ShouldBe(3);

        command.Out.ShouldContain("skip /sample/skipped/one (wants userfaultfd, found EPERM: vm.unprivileged_userfaultfd is 0)\n");
        command.Out.ShouldContain("skip /sample/skipped/two (there is no /dev/kvm)\n");
        command.Out.ShouldContain("Nothing was tested: every test was skipped.\n");
        command.Record.ExitCode.ShouldBe(3);
    }

    [Test]
    public async Task Preparation_that_fails_returns_3_with_its_reason_and_runs_nothing()
    {
        using var command = new CommandRun { PreparationFailure = new QemuMigTestException("No QEMU was found. Set QTEST_QEMU_BINARY.") };

        (await command.ExecuteAsync("run")).ShouldBe(3);

        command.Error.ShouldBe($"qemu-mig-test: No QEMU was found. Set QTEST_QEMU_BINARY.{Environment.NewLine}");
        command.Out.ShouldBeEmpty();
    }

    [Test]
    public async Task A_disk_that_is_full_before_the_first_test_returns_3_with_its_reason()
    {
        using var command = new CommandRun { PreparationFailure = new IOException("No space left on device : '/tmp/x'") };

        (await command.ExecuteAsync("run")).ShouldBe(3);

        command.Error.ShouldBe($"qemu-mig-test: No space left on device : '/tmp/x'{Environment.NewLine}");
    }

    [Test]
    public async Task An_interruption_of_the_preparation_is_no_failure_of_it()
    {
        using var command = new CommandRun { PreparationFailure = new OperationCanceledException() };
        command.Interruption.Fire("SIGINT", 130);

        (await command.ExecuteAsync("run")).ShouldBe(130);

        command.Error.ShouldBe($"qemu-mig-test: Ended by SIGINT.{Environment.NewLine}");
    }

    [Test]
    public async Task An_interruption_ends_what_was_started_and_names_what_was_running()
    {
        using var command = new CommandRun();
        SampleSuite.WhenWaitBegins(command.Results, () => command.Interruption.Fire("SIGTERM", 143));

        (await command.ExecuteAsync("run", "-p", "/sample/waits")).ShouldBe(143);

        command.Cleanups.ShouldBe(1);
        command.Out.ShouldContain("Ended by SIGTERM. Still running were:\n  /sample/waits ");
        command.OutLines[^1].ShouldStartWith("0 passed, 0 failed, 0 skipped, 1 not finished in ");
        command.Record.Interrupted.ShouldBeTrue();
        command.Record.ExitCode.ShouldBe(143);
        command.Record.Tests.ShouldHaveSingleItem().Attempts.ShouldHaveSingleItem().Outcome.ShouldBe(TestOutcome.Interrupted);
    }

    [Test]
    public async Task An_interruption_reports_that_the_clean_up_failed()
    {
        using var command = new CommandRun { CleanupFailure = new InvalidOperationException("pid 42 stays") };
        SampleSuite.WhenWaitBegins(command.Results, () => command.Interruption.Fire("SIGINT", 130));

        (await command.ExecuteAsync("run", "-p", "/sample/waits")).ShouldBe(130);

        command.Out.ShouldContain("pid 42 stays");
    }

    [Test]
    public async Task A_test_that_fails_because_the_clean_up_took_its_QEMU_away_has_not_failed()
    {
        using var takenAway = new ManualResetEventSlim();
        using var roundAfter = new ManualResetEventSlim();
        using var command = new CommandRun
        {
            WhenCleaningUp = () =>
            {
                takenAway.Set();
                roundAfter.Wait(TimeSpan.FromMilliseconds(300));
            },
        };
        SampleSuite.WhenWaitBegins(command.Results, () =>
        {
            if (takenAway.IsSet)
            {
                roundAfter.Set();
                return;
            }

            new Thread(() => command.Interruption.Fire("SIGTERM", 143)).Start();
            takenAway.Wait();
            throw new InvalidOperationException("QEMU ended with signal 9 (SIGKILL)");
        });

        (await command.ExecuteAsync("run", "-p", "/sample/waits", "--repeat", "2")).ShouldBe(143);

        command.OutLines[^1].ShouldContain("0 passed, 0 failed, 0 skipped, 1 not finished");
        command.Out.ShouldNotContain("SIGKILL");
    }

    [Test]
    public async Task Repeated_runs_start_each_round_afresh_and_count_per_test()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/alternates", "--repeat", "4")).ShouldBe(1);

        var attempts = command.Record.Tests.ShouldHaveSingleItem().Attempts;
        attempts.Select(attempt => attempt.Outcome).ShouldBe([TestOutcome.Passed, TestOutcome.Failed, TestOutcome.Passed, TestOutcome.Failed]);
        attempts.Select(attempt => attempt.Measures.Count).ShouldBe([1, 0, 1, 0]);
        command.Out.ShouldContain("round 2");
        command.Out.ShouldContain("2 of 4 times");
        command.OutLines[^1].ShouldStartWith("4 rounds: 2 passed, 2 failed, 0 skipped in ");
    }

    [Test]
    public async Task Until_failure_ends_after_the_first_round_with_a_failure()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/alternates", "-p", "/sample/good/one", "--until-failure")).ShouldBe(1);

        command.OutLines[^1].ShouldStartWith("2 rounds: 3 passed, 1 failed, 0 skipped in ");
    }

    [Test]
    public async Task Until_failure_ends_after_a_round_in_which_all_is_skipped()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/skipped", "--until-failure")).ShouldBe(3);

        command.OutLines[^1].ShouldStartWith("0 passed, 0 failed, 2 skipped in ");
    }

    [Test]
    public async Task The_record_holds_what_the_tests_said()
    {
        using var command = new CommandRun();

        await command.ExecuteAsync("run", "-p", "/sample", "-j", "2");

        var record = command.Record;
        record.Interrupted.ShouldBeFalse();
        record.ExitCode.ShouldBe(1);
        record.CommandLine.Take(4).ShouldBe(["qemu-mig-test", "run", "-p", "/sample"]);
        record.Source!.Name.ShouldBe("trixie");
        record.Settings.Jobs.ShouldBe(2);
        record.OwnCpuSeconds.ShouldNotBeNull().ShouldBePositive();
        record.ChildCpuSeconds.ShouldNotBeNull();

        TestRecord Of(string path) => record.Tests.Single(test => test.Path == path);
        Of("/sample/good/one").Attempts[0].Measures["total-time-ms"].ShouldBe(12.5);
        Of("/sample/good/two").Needs.ShouldBe(["a QEMU", "the capability multifd"]);
        Of("/sample/skipped/one").Attempts[0].Wanted.ShouldBe("userfaultfd");
        var failed = Of("/sample/bad/throws").Attempts[0];
        failed.Folder.ShouldBe("sample/bad");
        failed.Output.ShouldNotBeNull().ShouldContain("said on standard error");
        failed.Stack.ShouldNotBeNull().ShouldContain("SampleTests.Throws");
        failed.Stack.ShouldNotContain("NUnit.Framework.Internal");
    }

    [Test]
    public async Task A_refusal_that_a_test_wanted_is_noted_for_its_own_round_and_counts_as_passed()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "-p", "/sample/refused", "--repeat", "2")).ShouldBe(0);

        var attempts = command.Record.Tests.ShouldHaveSingleItem().Attempts;
        attempts.Select(attempt => attempt.Outcome).ShouldBe([TestOutcome.Passed, TestOutcome.Passed]);
        attempts.Select(attempt => attempt.Refused).ShouldBe(["migrate to a plain file; migrate-incoming of a plain file", null]);
    }

    [Test]
    public async Task A_record_that_can_not_be_written_makes_the_run_fail()
    {
        using var command = new CommandRun();
        Directory.CreateDirectory(Path.Combine(command.Results, RunRecord.FileName, "in the way"));

        (await command.ExecuteAsync("run", "-p", "/sample/good")).ShouldBe(1);

        command.Error.ShouldContain("run.json can not be written");
        command.Out.ShouldContain("Failed:\n  The record ");
        command.OutLines[^1].ShouldStartWith("2 passed, 1 failed, 0 skipped in ");
    }

    [Test]
    public async Task A_record_that_can_be_written_in_the_end_is_enough()
    {
        using var command = new CommandRun();
        var record = Path.Combine(command.Results, RunRecord.FileName);
        Directory.CreateDirectory(Path.Combine(record, "in the way"));
        SampleSuite.WhenWaitBegins(command.Results, () =>
        {
            Directory.Delete(record, recursive: true);
            command.Interruption.Fire("SIGTERM", 143);
        });

        (await command.ExecuteAsync("run", "-p", "/sample/waits")).ShouldBe(143);

        command.Record.ExitCode.ShouldBe(143);
        command.Out.ShouldNotContain("The record ");
    }

    [Test]
    public async Task Tap_has_a_plan_a_point_a_test_and_the_summary_elsewhere()
    {
        using var command = new CommandRun();

        (await command.ExecuteAsync("run", "--tap", "-j", "1", "-p", "/sample/bad/throws", "-p", "/sample/good/one", "-p", "/sample/skipped/two")).ShouldBe(1);

        command.OutLines[..2].ShouldBe(["TAP version 14", "1..3"]);
        command.OutLines.Count(line => line.StartsWith("ok ", StringComparison.Ordinal) || line.StartsWith("not ok ", StringComparison.Ordinal)).ShouldBe(3);
        command.Out.ShouldContain(" - /sample/skipped/two # SKIP there is no /dev/kvm\n");
        command.Out.ShouldContain("    QemuMigTest.QemuMigTestException : Waited 5 s");
        command.Error.ShouldContain("1 passed, 1 failed, 1 skipped in ");
    }
}
