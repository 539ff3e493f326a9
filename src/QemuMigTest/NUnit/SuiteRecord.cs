using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using QemuMigTest.Hosts;
using QemuMigTest.Results;

namespace QemuMigTest.NUnit;

/// <summary>Makes the record of a run that no command of ours runs (<c>dotnet test</c>), from what NUnit has of it when the suite's last test has ended.</summary>
internal static class SuiteRecord
{
    /// <summary>The record of a suite.</summary>
    /// <param name="suite">NUnit's results of it.</param>
    /// <param name="session">What it ran on.</param>
    /// <param name="jobs">How many tests ran at a time, at most.</param>
    /// <param name="started">When it began, in UTC.</param>
    /// <param name="duration">How long it took.</param>
    public static RunRecord Of(ITestResult suite, MigrationSession session, int jobs, DateTimeOffset started, TimeSpan duration)
    {
        var (environment, found, processorTime) = (session.Environment, session.Found, ProcessorTime.OfThisProcess());
        return WithResults(suite, session.Settings.ResultsFolder, new()
        {
            Format = RunRecord.CurrentFormat,
            ToolVersion = RunRecord.VersionOfThisTool,
            Started = started,
            DurationSeconds = Math.Round(duration.TotalSeconds, 3),
            OwnCpuSeconds = Math.Round(processorTime.Own.TotalSeconds, 3),
            ChildCpuSeconds = Math.Round(processorTime.Children.TotalSeconds, 3),
            CommandLine = Environment.GetCommandLineArgs(),
            Interrupted = false,
            Host = HostRecord.OfThisMachine(),
            Source = QemuRecord.Of(environment.Source, found.SourceFrom),
            Destination = QemuRecord.Of(environment.Destination, environment.Destination == environment.Source ? found.SourceFrom : found.DestinationFrom),
            MachineType = environment.MachineType,
            Accelerator = environment.Accelerator.Name,
            Settings = new() { Jobs = jobs, TimeoutScale = session.Settings.TimeoutScale, Repeat = 1 },
            Tests = [],
        });
    }

    /// <summary>A record with the migration tests that have results, in the order of their paths, and with the failures that belong to no test.</summary>
    internal static RunRecord WithResults(ITestResult suite, string resultsFolder, RunRecord record)
    {
        var all = Below(suite).ToList();
        return record with
        {
            Tests = [.. all.Where(result => result.Test.Properties.ContainsKey(TestProperties.Path) && result.ResultState.Label != ResultState.Explicit.Label).Select(result => RecordOf(result, resultsFolder, record.Started)).OrderBy(test => test.Path, StringComparer.Ordinal)],
            Problems = [.. all.Where(result => result.Test.IsSuite && result.ResultState is { Status: TestStatus.Failed, Site: FailureSite.TearDown }).Select(result => $"{result.Test.FullName}: {result.Message.Trim()}")],
        };
    }

    private static IEnumerable<ITestResult> Below(ITestResult result) => result.Children.SelectMany(child => Below(child).Prepend(child));

    private static TestRecord RecordOf(ITestResult result, string resultsFolder, DateTimeOffset started)
    {
        var test = result.Test;
        var limit = TimeSpan.FromMilliseconds(test.Properties.Get(PropertyNames.Timeout) as int? ?? 0);
        return new()
        {
            Path = (string)test.Properties.Get(TestProperties.Path)!,
            Method = $"{test.TypeInfo?.FullName}.{test.MethodName}",
            Needs = [.. test.Properties[TestProperties.Requires].Cast<string>()],
            Attempts = [AttemptReader.Read(result, limit, Math.Max(0, (result.StartTime - started.UtcDateTime).TotalSeconds), result.Duration, errorOutput: null, resultsFolder)],
        };
    }
}
