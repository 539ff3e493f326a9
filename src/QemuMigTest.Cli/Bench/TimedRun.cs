using QemuMigTest.Results;

namespace QemuMigTest.Cli.Bench;

/// <summary>A run of ours, timed from outside.</summary>
/// <param name="WallSeconds">From the start of the process to its end.</param>
/// <param name="Record">What it recorded.</param>
internal sealed record TimedRun(double WallSeconds, RunRecord Record)
{
    /// <summary>The share of our own process in the processor time of all, 0 to 1.</summary>
    public double OwnShare => OwnSeconds + ChildSeconds > 0 ? OwnSeconds / (OwnSeconds + ChildSeconds) : 0;

    /// <summary>The processor time of our own process, in seconds.</summary>
    public double OwnSeconds => Record.OwnCpuSeconds ?? 0;

    /// <summary>The processor time of the QEMUs, in seconds.</summary>
    public double ChildSeconds => Record.ChildCpuSeconds ?? 0;

    /// <summary>The seconds of each path that passed and that was not refused.</summary>
    public IReadOnlyDictionary<string, double> Passed => Record.Tests
        .Where(test => test.Attempts is [{ Outcome: TestOutcome.Passed, Refused: null, Fault: null }])
        .ToDictionary(test => test.Path, test => test.Attempts[0].DurationSeconds);
}
