using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>What is said after the last test.</summary>
internal static class RunSummary
{
    private const int MostReasonLines = 3;
    private const int Slowest = 3;

    public static void Write(IScreen screen, RunProgress progress, int exitCode)
    {
        if (progress.Round > 1)
            WriteRounds(screen, progress);
        WriteFailures(screen, progress);
        WriteSkips(screen, progress);
        if (progress.Round <= 1)
            WriteSlowest(screen, progress);
        screen.Line(0);
        WriteCounts(screen, progress, exitCode);
    }

    /// <summary>A folder of the results, relative to the current one if it is below it.</summary>
    public static string FolderForPeople(RunSettings settings, string folder)
    {
        var full = Path.GetFullPath(folder, settings.ResultsFolder);
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, full);
        return (relative.StartsWith("..", StringComparison.Ordinal) ? full : relative) + (folder == "." ? "/" : "");
    }

    private static void WriteFailures(IScreen screen, RunProgress progress)
    {
        var failed = progress.Plan.Tests
            .Select(test => (Test: test, Attempt: progress.AttemptsAt(test).FirstOrDefault(attempt => attempt.Outcome == TestOutcome.Failed)))
            .Where(pair => pair.Attempt is not null)
            .ToList();
        if (failed.Count + progress.Problems.Count == 0)
            return;
        screen.Line(0);
        screen.Line(0, new Piece("Failed:", Tone.Bad));
        foreach (var (test, attempt) in failed)
        {
            var attempts = progress.AttemptsAt(test);
            var times = attempts.Count > 1 ? $"  {attempts.Count(other => other.Outcome == TestOutcome.Failed)} of {attempts.Count} times; the first:" : "";
            screen.Line(2, new Piece(test.Path, Tone.Strong), new Piece(times, Tone.Warning));
            foreach (var line in Texts.FailureLines(attempt!).Take(MostReasonLines))
                screen.Line(4, line);
            if (attempt!.Folder is { } folder)
                screen.Line(4, new Piece("see ", Tone.Faint), FolderForPeople(progress.Plan.Settings, folder));
        }
        foreach (var problem in progress.Problems)
            screen.Line(2, problem);
    }

    private static void WriteSkips(IScreen screen, RunProgress progress)
    {
        var groups = progress.Plan.Tests
            .Select(test => (Test: test, Attempt: Last(progress.AttemptsAt(test))))
            .Where(pair => pair.Attempt?.Outcome == TestOutcome.Skipped)
            .GroupBy(pair => Texts.SkipReason(pair.Attempt!))
            .OrderByDescending(group => group.Count())
            .ToList();
        if (groups.Count == 0)
            return;
        screen.Line(0);
        screen.Line(0, new Piece("Skipped:", Tone.Warning));
        foreach (var group in groups)
        {
            screen.Line(2, $"{group.Key}");
            foreach (var (test, _) in group)
                screen.Line(4, new Piece(test.Path, Tone.Faint));
        }
    }

    private static AttemptRecord? Last(IReadOnlyList<AttemptRecord> attempts) => attempts.Count > 0 ? attempts[^1] : null;

    private static void WriteSlowest(IScreen screen, RunProgress progress)
    {
        var slowest = progress.Plan.Tests
            .SelectMany(test => progress.AttemptsAt(test).Where(attempt => attempt.Outcome != TestOutcome.Skipped).Select(attempt => (test.Path, attempt.DurationSeconds)))
            .OrderByDescending(pair => pair.DurationSeconds)
            .ToList();
        if (slowest.Count <= Slowest)
            return;
        screen.Line(0);
        screen.Line(0, new Piece("Slowest:", Tone.Faint));
        foreach (var (path, seconds) in slowest.Take(Slowest))
            screen.Line(2, $"{Texts.Duration(seconds),10}  {path}");
    }

    private static void WriteRounds(IScreen screen, RunProgress progress)
    {
        screen.Line(0);
        screen.Line(0, new Piece($"{"passed",8}{"failed",8}{"min",12}{"median",12}{"max",12}  test", Tone.Faint));
        foreach (var test in progress.Plan.Tests)
        {
            var attempts = progress.AttemptsAt(test);
            var passed = attempts.Count(attempt => attempt.Outcome == TestOutcome.Passed);
            var failed = attempts.Count(attempt => attempt.Outcome == TestOutcome.Failed);
            if (passed + failed == 0)
                continue;
            var times = attempts.Where(attempt => attempt.Outcome is TestOutcome.Passed or TestOutcome.Failed)
                .Select(attempt => attempt.DurationSeconds).Order().ToList();
            var median = (times[(times.Count - 1) / 2] + times[times.Count / 2]) / 2;
            screen.Line(
                0,
                new Piece($"{passed,8}", passed > 0 ? Tone.Good : Tone.Faint),
                new Piece($"{failed,8}", failed > 0 ? Tone.Bad : Tone.Faint),
                $"{Texts.Duration(times[0]),12}{Texts.Duration(median),12}{Texts.Duration(times[^1]),12}  {test.Path}");
        }
    }

    private static void WriteCounts(IScreen screen, RunProgress progress, int exitCode)
    {
        var failed = progress.Count(TestOutcome.Failed) + progress.Problems.Count;
        var skipped = progress.Count(TestOutcome.Skipped);
        var pieces = new List<Piece>();
        if (progress.Round > 1)
            pieces.Add($"{progress.Round} rounds: ");
        pieces.Add(new Piece($"{progress.Count(TestOutcome.Passed)} passed", exitCode == ExitCode.Passed ? Tone.Good : Tone.Plain));
        pieces.Add(", ");
        pieces.Add(new Piece($"{failed} failed", failed > 0 ? Tone.Bad : Tone.Plain));
        pieces.Add(", ");
        pieces.Add(new Piece($"{skipped} skipped", skipped > 0 ? Tone.Warning : Tone.Plain));
        var unfinished = progress.Count(TestOutcome.Interrupted) + progress.NotStarted;
        if (unfinished > 0)
            pieces.Add(new Piece($", {unfinished} not finished", Tone.Warning));
        pieces.Add($" in {Texts.Duration(progress.Clock.Seconds)}");
        if (exitCode == ExitCode.NothingRun)
            screen.Line(0, new Piece("Nothing was tested: every test was skipped.", Tone.Bad));
        screen.Line(0, pieces.ToArray());
    }
}
