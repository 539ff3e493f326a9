using System.Globalization;
using System.Text.RegularExpressions;
using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>Shows a run as TAP version 14.</summary>
internal sealed partial class TapReporter(TextWriter writer) : IRunReporter
{
    private RunProgress? _progress;
    private int _number;
    private bool _interrupted;

    private RunProgress Progress => _progress ?? throw new InvalidOperationException("The run has not begun.");

    /// <inheritdoc/>
    public void Begin(RunProgress progress)
    {
        _progress = progress;
        Write("TAP version 14");
        if (PlannedPoints is { } points)
            Write($"1..{points}");
    }

    // A run until a failure may have any number: the plan then comes last.
    private long? PlannedPoints => Progress.Plan.Settings is { UntilFailure: false, Repeat: { } rounds } ? (long)Progress.Plan.Tests.Count * rounds : null;

    /// <inheritdoc/>
    public void Ended(SuiteTest test, AttemptRecord attempt)
    {
        var name = Progress.Plan.Settings.Repeat == 1 ? test.Path : $"{test.Path} (round {Progress.Round})";
        var point = attempt.Outcome is TestOutcome.Failed or TestOutcome.Interrupted ? "not ok" : "ok";
        var directive = attempt.Outcome == TestOutcome.Skipped ? $" # SKIP {Escape(Texts.SkipReason(attempt))}" : "";
        Write($"{point} {++_number} - {Escape(name)}{directive}");
        if (attempt.Outcome == TestOutcome.Skipped)
            return;
        Write("  ---");
        Write(string.Create(CultureInfo.InvariantCulture, $"  duration_ms: {attempt.DurationSeconds * 1000:0}"));
        if (attempt.Outcome != TestOutcome.Passed)
        {
            Write("  severity: fail");
            Write("  message: |-");
            foreach (var line in (attempt.Reason ?? "no reason given").ReplaceLineEndings("\n").Split('\n'))
                Write($"    {Control().Replace(line, "?").TrimEnd()}");
            if (attempt.Folder is { } folder)
                Write($"  folder: '{Path.GetFullPath(folder, Progress.Plan.Settings.ResultsFolder).Replace("'", "''", StringComparison.Ordinal)}'");
        }
        Write("  ...");
    }

    /// <inheritdoc/>
    public void Problem(string text) => Write($"# {text.ReplaceLineEndings(" ")}");

    /// <inheritdoc/>
    public void Refresh()
    {
    }

    /// <inheritdoc/>
    public void Interrupted(string reason)
    {
        _interrupted = true;
        Write($"Bail out! Ended by {reason}");
    }

    /// <inheritdoc/>
    public void End(int exitCode)
    {
        if (PlannedPoints is null)
            Write($"1..{_number}");
        // No point stands for it, and a reader that sees only points would take the run for a good one.
        if (!_interrupted && Progress.Problems is [var first, ..])
            Write($"Bail out! {Control().Replace(first.ReplaceLineEndings(" "), "?")}");
    }

    private void Write(string line)
    {
        writer.Write(line + '\n');
        writer.Flush();
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("#", "\\#", StringComparison.Ordinal);

    [GeneratedRegex(@"[\p{Cc}-[\t]]")]
    private static partial Regex Control();
}
