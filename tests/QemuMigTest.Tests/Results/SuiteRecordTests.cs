using NUnit;
using NUnit.Framework;
using NUnit.Framework.Api;
using NUnit.Framework.Internal;
using QemuMigTest.NUnit;
using QemuMigTest.Results;
using QemuMigTest.Tests.Cli;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Results;

/// <summary>What is recorded of a run that is not the command's.</summary>
[NonParallelizable]
public sealed class SuiteRecordTests
{
    [Test]
    public void Each_test_that_ran_is_recorded_with_what_became_of_it()
    {
        var record = Run(typeof(SampleTests), typeof(FixtureFailureTests.NoTearDownTests));

        record.Tests.Select(test => test.Path).ShouldBe(record.Tests.Select(test => test.Path).Order(StringComparer.Ordinal));
        record.Tests.ShouldAllBe(test => test.Attempts.Count == 1);
        var passed = record.Tests.Single(test => test.Path == "/sample/good/one");
        passed.Method.ShouldBe("Samples.SampleTests.Passes");
        passed.Needs.ShouldBe(["a QEMU"]);
        passed.Attempts[0].Outcome.ShouldBe(TestOutcome.Passed);
        passed.Attempts[0].Measures["total-time-ms"].ShouldBe(12.5);
        var failed = record.Tests.Single(test => test.Path == "/sample/bad/throws").Attempts[0];
        failed.Outcome.ShouldBe(TestOutcome.Failed);
        failed.Reason.ShouldNotBeNull().ShouldContain("Waited 5 s for 'cancelled'");
        failed.Folder.ShouldBe("sample/bad");
        var skipped = record.Tests.Single(test => test.Path == "/sample/skipped/one").Attempts[0];
        skipped.Outcome.ShouldBe(TestOutcome.Skipped);
        (skipped.Wanted, skipped.Found).ShouldBe(("userfaultfd", "EPERM"));
        record.Tests.Single(test => test.Path == "/sample/bad/takes-too-long").Attempts[0].Reason.ShouldNotBeNull().ShouldContain("limit of 0.05 s");
        record.Problems.ShouldHaveSingleItem().ShouldContain("tear-down failed");
    }

    [Test]
    public void What_runs_only_when_it_is_asked_for_is_not_in_the_record() =>
        Run(typeof(SampleTests)).Tests.ShouldNotContain(test => test.Path == "/sample/alternates");

    private static RunRecord Run(params Type[] fixtures)
    {
        using var folder = new TempFolder();
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(SampleSuite.Of(fixtures), new Dictionary<string, object>
        {
            [FrameworkPackageSettings.TestParametersDictionary] = new Dictionary<string, string> { ["results"] = folder.Path },
        });
        var started = TimeProvider.System.GetUtcNow();
        var suite = runner.Run(TestListener.NULL, TestFilter.Empty);
        return SuiteRecord.WithResults(suite, folder.Path, new()
        {
            Format = RunRecord.CurrentFormat,
            ToolVersion = RunRecord.VersionOfThisTool,
            Started = started,
            DurationSeconds = 0,
            CommandLine = [],
            Interrupted = false,
            Host = HostRecord.OfThisMachine(),
            Settings = new() { Jobs = 1, TimeoutScale = 1 },
            Tests = [],
        });
    }
}
