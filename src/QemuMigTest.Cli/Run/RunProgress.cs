using QemuMigTest.Hosts;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>How far a run has come. Used from one thread.</summary>
internal sealed class RunProgress
{
    private readonly Dictionary<string, List<AttemptRecord>> _attempts;
    private readonly Dictionary<string, double> _running = [];
    private readonly Dictionary<string, double> _expected = [];
    private readonly List<string> _problems = [];

    public RunProgress(RunPlan plan, RunClock clock)
    {
        Plan = plan;
        Clock = clock;
        _attempts = plan.Tests.ToDictionary(test => test.Path, _ => new List<AttemptRecord>());
        foreach (var test in plan.Before?.Tests ?? [])
        {
            if (test.Attempts.LastOrDefault(attempt => attempt.Outcome is TestOutcome.Passed or TestOutcome.Skipped) is { } last)
                _expected[test.Path] = last.DurationSeconds;
        }
    }

    /// <summary>What the run does.</summary>
    public RunPlan Plan { get; }

    /// <summary>The time since it began.</summary>
    public RunClock Clock { get; }

    /// <summary>The round that runs, or the last one, from 1.</summary>
    public int Round { get; private set; }

    /// <summary>How many attempts of this round have ended.</summary>
    public int DoneInRound { get; private set; }

    /// <summary>Whether an attempt of this round failed, or something else in it did.</summary>
    public bool RoundFailed { get; private set; }

    /// <summary>Whether an attempt of this round passed or failed: not all were skipped.</summary>
    public bool RoundTested { get; private set; }

    /// <summary>The tests that run, with the seconds for which they have been running, the longest first.</summary>
    public IEnumerable<(SuiteTest Test, double Seconds)> Running =>
        Plan.Tests.Where(test => _running.ContainsKey(test.Path))
            .Select(test => (test, Clock.Seconds - _running[test.Path]))
            .OrderByDescending(running => running.Item2);

    /// <summary>Failures that belong to no test.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The attempts at a test so far.</summary>
    public IReadOnlyList<AttemptRecord> AttemptsAt(SuiteTest test) => _attempts[test.Path];

    /// <summary>How many attempts ended so.</summary>
    public int Count(TestOutcome outcome) => _attempts.Values.Sum(attempts => attempts.Count(attempt => attempt.Outcome == outcome));

    /// <summary>How many tests have never been started.</summary>
    public int NotStarted => _attempts.Values.Count(attempts => attempts.Count == 0);

    public void BeginRound()
    {
        Round++;
        DoneInRound = 0;
        RoundFailed = false;
        RoundTested = false;
    }

    public void Begin(SuiteTest test) => _running[test.Path] = Clock.Seconds;

    public void End(SuiteTest test, AttemptRecord attempt)
    {
        _running.Remove(test.Path);
        _attempts[test.Path].Add(attempt);
        DoneInRound++;
        RoundTested |= attempt.Outcome is TestOutcome.Passed or TestOutcome.Failed;
        if (attempt.Outcome == TestOutcome.Failed)
            RoundFailed = true;
        else
            _expected[test.Path] = attempt.DurationSeconds;
    }

    public void AddProblem(string problem)
    {
        _problems.Add(problem);
        RoundFailed = true;
    }

    /// <summary>Ends the attempts that still run, each as <paramref name="judge"/> says.</summary>
    public void EndRunning(Func<SuiteTest, double, (TestOutcome Outcome, string Reason)> judge)
    {
        foreach (var (test, seconds) in Running.ToList())
        {
            var (outcome, reason) = judge(test, seconds);
            End(test, new AttemptRecord
            {
                Outcome = outcome,
                StartSeconds = Math.Round(Clock.Seconds - seconds, 3),
                DurationSeconds = Math.Round(seconds, 3),
                Reason = reason,
            });
        }
    }

    /// <summary>The tests that this round should have run and has not.</summary>
    public IEnumerable<SuiteTest> MissedInRound => Plan.Tests.Where(test => _attempts[test.Path].Count < Round);

    /// <summary>
    /// About how many seconds are left of this round; null unless every test that is left has run before, here or in the
    /// last run into this results folder.
    /// </summary>
    public double? SecondsLeftInRound
    {
        get
        {
            var total = 0.0;
            var longest = 0.0;
            foreach (var test in MissedInRound)
            {
                if (!_expected.TryGetValue(test.Path, out var expected))
                    return null;
                var left = _running.TryGetValue(test.Path, out var started) ? expected - (Clock.Seconds - started) : expected;
                // Longer than the last time: nobody knows how long it will take.
                if (left < -1)
                    return null;
                total += Math.Max(left, 0);
                longest = Math.Max(longest, left);
            }
            return Math.Max(longest, total / Plan.Settings.Jobs);
        }
    }

    /// <summary>The record of the run as it is now.</summary>
    public RunRecord ToRecord(bool interrupted, int? exitCode)
    {
        var processorTime = ProcessorTime.OfThisProcess();
        return new()
        {
            Format = RunRecord.CurrentFormat,
            ToolVersion = CommandContext.Version,
            Started = Clock.Started,
            DurationSeconds = Math.Round(Clock.Seconds, 3),
            OwnCpuSeconds = Math.Round(processorTime.Own.TotalSeconds, 3),
            ChildCpuSeconds = Math.Round(processorTime.Children.TotalSeconds, 3),
            CommandLine = Plan.CommandLine,
            Interrupted = interrupted,
            ExitCode = exitCode,
            Host = Plan.Environment.Host,
            Source = Plan.Environment.Source,
            Destination = Plan.Environment.Destination,
            MachineType = Plan.Environment.MachineType,
            Accelerator = Plan.Environment.Accelerator,
            Settings = Plan.Settings.ToRecord(),
            Tests =
            [
                .. Plan.Tests.Select(test => new TestRecord
                {
                    Path = test.Path,
                    Method = test.Method,
                    Needs = test.Needs,
                    Attempts = [.. _attempts[test.Path]],
                }),
            ],
            Problems = [.. _problems],
        };
    }
}
