using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>Shows a run as lines for people: a header, a line a test, a summary.</summary>
/// <param name="screen">Where to.</param>
/// <param name="lines">Whether tests have lines here; with TAP they have theirs elsewhere.</param>
/// <param name="live">What is shown below the lines; null if nothing.</param>
internal sealed class ConsoleReporter(IScreen screen, bool lines, LiveArea? live = null) : IRunReporter
{
    private const int MostReasonLines = 8;
    private const int MostOutputLines = 10;

    private RunProgress? _progress;
    private int _column;

    private RunProgress Progress => _progress ?? throw new InvalidOperationException("The run has not begun.");

    /// <inheritdoc/>
    public void Begin(RunProgress progress)
    {
        _progress = progress;
        var longest = progress.Plan.Tests.Max(test => test.Path.Length);
        // Where lines may be of any length, they are made for programs and need no columns.
        _column = screen.Width is { } width ? Math.Min(longest, Math.Max(0, width - 14)) : 0;
        RunHeader.Write(screen, progress.Plan);
        live?.Begin(progress);
    }

    /// <inheritdoc/>
    public void Ended(SuiteTest test, AttemptRecord attempt)
    {
        if (lines)
            WriteAttempt(test, attempt);
    }

    /// <inheritdoc/>
    public void Problem(string text)
    {
        screen.Line(0, new Piece(screen.Marks.Failed, Tone.Bad), $" {text}");
    }

    /// <inheritdoc/>
    public void Refresh() => live?.Refresh();

    /// <inheritdoc/>
    public void Interrupted(string reason)
    {
        live?.End();
        var running = Progress.Running.ToList();
        screen.Line(0, new Piece($"Ended by {reason}.", Tone.Warning), running.Count == 0 ? " Nothing was running." : " Still running were:");
        foreach (var (test, seconds) in running)
            screen.Line(2, test.Path.PadRight(_column), new Piece($" {Texts.Duration(seconds)}", Tone.Faint));
    }

    /// <inheritdoc/>
    public void End(int exitCode)
    {
        live?.End();
        RunSummary.Write(screen, Progress, exitCode);
    }

    private void WriteAttempt(SuiteTest test, AttemptRecord attempt)
    {
        var time = new Piece($" {Texts.Duration(attempt.DurationSeconds)}", Tone.Faint);
        var round = Progress.Plan.Settings.Repeat == 1 ? "" : $"  round {Progress.Round}";
        switch (attempt.Outcome)
        {
            case TestOutcome.Passed:
                screen.Line(0, new Piece(screen.Marks.Passed, Tone.Good), $" {test.Path.PadRight(_column)}", time);
                break;
            case TestOutcome.Skipped:
                WriteSkip(test, Texts.SkipReason(attempt));
                break;
            default:
                screen.Line(0, new Piece(screen.Marks.Failed, Tone.Bad), $" {test.Path.PadRight(_column)}", time, new Piece(round, Tone.Warning));
                WriteFailure(attempt);
                break;
        }
    }

    private void WriteSkip(SuiteTest test, string reason)
    {
        var mark = new Piece(screen.Marks.Skipped, Tone.Warning);
        var path = $" {test.Path.PadRight(_column)}";
        var fits = screen.Width is not { } width || mark.Text.Length + path.Length + reason.Length + 3 <= width;
        if (fits)
        {
            screen.Line(0, mark, path, new Piece($" ({reason})", Tone.Faint));
            return;
        }
        screen.Line(0, mark, path.TrimEnd());
        screen.Line(5, new Piece(reason, Tone.Faint));
    }

    private void WriteFailure(AttemptRecord attempt)
    {
        var reason = Texts.FailureLines(attempt);
        // A notice of one line more would take a line as well.
        var shown = reason.Count <= MostReasonLines + 1 ? reason.Count : MostReasonLines;
        foreach (var line in reason.Take(shown))
            screen.Line(5, line);
        if (shown < reason.Count)
            screen.Line(5, new Piece($"and {reason.Count - shown} lines more in {RunRecord.FileName}", Tone.Faint));
        if (attempt.Output is { } output)
        {
            var written = output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
            screen.Line(5, new Piece(written.Length > MostOutputLines ? $"its output, the last {MostOutputLines} lines:" : "its output:", Tone.Faint));
            foreach (var line in written.TakeLast(MostOutputLines))
                screen.Line(7, line);
        }
        if (attempt.Folder is not null)
            screen.Line(5, new Piece("see ", Tone.Faint), RunSummary.FolderForPeople(Progress.Plan.Settings, attempt.Folder));
    }
}
