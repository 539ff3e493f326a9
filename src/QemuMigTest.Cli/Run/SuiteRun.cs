using System.Threading.Channels;
using QemuMigTest.Cli.Output;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>One run: rounds of tests, shown while they take place, recorded in the results folder.</summary>
internal sealed class SuiteRun
{
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(1);

    private readonly SuiteCatalog _catalog;
    private readonly IRunReporter _reporter;
    private readonly CommandContext _context;
    private readonly RunProgress _progress;
    private readonly string _recordPath;
    private readonly Channel<SuiteEvent> _events = Channel.CreateUnbounded<SuiteEvent>(new() { SingleReader = true });
    private double _savedAt;
    private bool _saveFailed;

    public SuiteRun(SuiteCatalog catalog, RunPlan plan, IRunReporter reporter, CommandContext context)
    {
        _catalog = catalog;
        _reporter = reporter;
        _context = context;
        _progress = new RunProgress(plan, new RunClock(context.Time));
        _recordPath = Path.Combine(plan.Settings.ResultsFolder, RunRecord.FileName);
    }

    private RunPlan Plan => _progress.Plan;

    /// <summary>Whether tests may still be running although <see cref="ExecuteAsync"/> has returned, so that only the end of the process ends them.</summary>
    public bool LeftTestsRunning { get; private set; }

    /// <summary>Ends the run at once: ends what the tests have started and lets <see cref="ExecuteAsync"/> return. From any thread.</summary>
    public void Interrupt(string reason, int exitCode)
    {
        // It comes before the failures of the tests whose QEMUs this ends: they are none.
        var cleanup = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _events.Writer.TryWrite(new SuiteEvent.Interrupted(reason, exitCode, cleanup.Task));
        cleanup.SetResult(KillEverything());
    }

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExecuteAsync()
    {
        // A run that is killed leaves this, and not the record of the run before it.
        Save(interrupted: true, exitCode: null);
        _reporter.Begin(_progress);
        using var ticker = _context.Time.CreateTimer(_ => _events.Writer.TryWrite(new SuiteEvent.Tick()), null, TickEvery, TickEvery);

        SuiteEvent.Interrupted? interrupted = null;
        while (interrupted is null && AnotherRound())
            interrupted = await RunRoundAsync();

        var exitCode = interrupted is null ? Judge() : await EndInterruptedAsync(interrupted);
        if (Save(interrupted is not null, exitCode) is { } unsaved)
        {
            AddProblem(unsaved);
            exitCode = exitCode == ExitCode.Passed ? ExitCode.Failed : exitCode;
        }
        _reporter.End(exitCode);
        return exitCode;
    }

    private bool AnotherRound()
    {
        var settings = Plan.Settings;
        // What a QEMU or a machine lacks in one round it lacks in the next.
        var nothingTested = _progress.Round > 0 && !_progress.RoundTested;
        return (settings.Repeat is not { } rounds || _progress.Round < rounds) && !(settings.UntilFailure && (_progress.RoundFailed || nothingTested));
    }

    private async Task<SuiteEvent.Interrupted?> RunRoundAsync()
    {
        _progress.BeginRound();
        StartRound();
        await foreach (var happened in _events.Reader.ReadAllAsync())
        {
            switch (happened)
            {
                case SuiteEvent.Began began:
                    _progress.Begin(began.Test);
                    _reporter.Refresh();
                    break;
                case SuiteEvent.Ended ended:
                    _progress.End(ended.Test, ended.Attempt);
                    _reporter.Ended(ended.Test, ended.Attempt);
                    _reporter.Refresh();
                    break;
                case SuiteEvent.Problem problem:
                    AddProblem(problem.Text);
                    break;
                case SuiteEvent.Tick:
                    if (Hung() is { } hung)
                        return hung;
                    _reporter.Refresh();
                    break;
                case SuiteEvent.RoundEnded end:
                    EndRound(end.Failure);
                    return null;
                case SuiteEvent.Interrupted interrupted:
                    return interrupted;
            }
        }
        throw new InvalidOperationException("The events of a run have no end.");
    }

    private void StartRound()
    {
        var listener = new SuiteListener(Plan.Tests, _progress.Clock, Plan.Settings.ResultsFolder, happened => _events.Writer.TryWrite(happened));
        new Thread(() =>
        {
            Exception? failure = null;
            try
            {
                _catalog.Run(Plan.Tests, listener);
            }
#pragma warning disable CA1031 // Taken to the run, which reports it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }
            _events.Writer.TryWrite(new SuiteEvent.RoundEnded(failure));
        })
        { IsBackground = true, Name = "NUnit run" }.Start();
    }

    private void EndRound(Exception? failure)
    {
        if (failure is not null)
            AddProblem($"NUnit failed: {failure}");
        foreach (var test in _progress.MissedInRound.ToList())
        {
            var missed = new AttemptRecord
            {
                Outcome = TestOutcome.Failed,
                StartSeconds = Math.Round(_progress.Clock.Seconds, 3),
                DurationSeconds = 0,
                Reason = "The test was selected, but NUnit did not run it.",
            };
            _progress.End(test, missed);
            _reporter.Ended(test, missed);
        }
        if (_progress.Clock.Seconds - _savedAt >= SaveEvery.TotalSeconds)
            Save(interrupted: true, exitCode: null);
    }

    private void AddProblem(string text)
    {
        _progress.AddProblem(text);
        _reporter.Problem(text);
    }

    // A test can not be ended from outside. One that neither passes nor fails long after its limit would hold up the run for ever.
    private SuiteEvent.Interrupted? Hung()
    {
        var hung = _progress.Running.Where(running => IsHung(running.Test, running.Seconds)).Select(running => running.Test.Path).ToList();
        if (hung.Count == 0)
            return null;
        return new SuiteEvent.Interrupted($"{string.Join(" and ", hung)}, which hangs", ExitCode.Failed, Task.FromResult(KillEverything()));
    }

    private static bool IsHung(SuiteTest test, double seconds) =>
        test.Limit > TimeSpan.Zero && seconds > (2 * test.Limit.TotalSeconds) + 10;

    private Exception? KillEverything()
    {
        try
        {
            _context.Cleanup.KillEverything();
            return null;
        }
#pragma warning disable CA1031 // The interruption goes on whatever the clean-up ran into, and reports it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
    }

    private async Task<int> EndInterruptedAsync(SuiteEvent.Interrupted interrupted)
    {
        _reporter.Interrupted(interrupted.Reason);
        LeftTestsRunning = true;
        if (await interrupted.Cleanup is { } failure)
            AddProblem($"What the tests had started could not be ended: {failure.Message}");
        _progress.EndRunning((test, seconds) => IsHung(test, seconds)
            ? (TestOutcome.Failed, $"The test did not end within {Texts.Duration(seconds)}; its limit is {Texts.Duration(test.Limit.TotalSeconds)}, and it ignored its cancellation token.")
            : (TestOutcome.Interrupted, $"The run was ended by {interrupted.Reason}."));
        return interrupted.ExitCode;
    }

    private int Judge()
    {
        if (_progress.Count(TestOutcome.Failed) + _progress.Problems.Count > 0)
            return ExitCode.Failed;
        return _progress.Count(TestOutcome.Passed) > 0 ? ExitCode.Passed : ExitCode.NothingRun;
    }

    /// <summary>Writes the record.</summary>
    /// <returns>Why it can not be written, or null.</returns>
    private string? Save(bool interrupted, int? exitCode)
    {
        string? failure = null;
        try
        {
            _progress.ToRecord(interrupted, exitCode).Save(_recordPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = $"The record {_recordPath} can not be written: {e.Message}";
            if (!_saveFailed)
                _context.Error.Writer.WriteLine($"qemu-mig-test: {failure}");
            _saveFailed = true;
        }
        _savedAt = _progress.Clock.Seconds;
        return failure;
    }
}
