using System.Collections.Concurrent;
using System.Text;
using NUnit.Framework.Interfaces;
using QemuMigTest.NUnit;

namespace QemuMigTest.Cli.Run;

/// <summary>Turns what NUnit reports of a run into events. Called on the threads of the tests.</summary>
internal sealed class SuiteListener(IReadOnlyList<SuiteTest> tests, RunClock clock, string resultsFolder, Action<SuiteEvent> report)
    : ITestListener
{
    private readonly Dictionary<string, SuiteTest> _tests = tests.ToDictionary(test => test.Test.Id);
    private readonly ConcurrentDictionary<string, double> _started = new();
    private readonly ConcurrentDictionary<string, StringBuilder> _errorOutput = new();

    /// <inheritdoc/>
    public void TestStarted(ITest test)
    {
        if (!_tests.TryGetValue(test.Id, out var ours))
            return;
        _started[test.Id] = clock.Seconds;
        report(new SuiteEvent.Began(ours));
    }

    /// <inheritdoc/>
    public void TestFinished(ITestResult result)
    {
        if (_tests.TryGetValue(result.Test.Id, out var test))
        {
            // A test whose fixture could not be set up is never started.
            var ended = clock.Seconds;
            var started = _started.GetValueOrDefault(result.Test.Id, ended);
            _errorOutput.TryGetValue(result.Test.Id, out var errorOutput);
            report(new SuiteEvent.Ended(test, AttemptReader.Read(result, test.Limit, started, ended - started, errorOutput?.ToString(), resultsFolder)));
        }
        else if (result.Test.IsSuite && result.ResultState is { Status: TestStatus.Failed, Site: FailureSite.TearDown })
        {
            // Its tests have passed, perhaps, and NUnit says this of the fixture only.
            report(new SuiteEvent.Problem($"{result.Test.FullName}: {result.Message.Trim()}"));
        }
    }

    /// <inheritdoc/>
    public void TestOutput(TestOutput output)
    {
        if (output.TestId is not { } id)
            return;
        var text = _errorOutput.GetOrAdd(id, _ => new StringBuilder());
        lock (text)
            text.Append(output.Text);
    }

    /// <inheritdoc/>
    public void SendMessage(TestMessage message)
    {
    }
}
