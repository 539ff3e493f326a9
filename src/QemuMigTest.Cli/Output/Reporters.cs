using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>Shows a run in several ways at once.</summary>
internal sealed class Reporters(params IReadOnlyList<IRunReporter> reporters) : IRunReporter
{
    /// <inheritdoc/>
    public void Begin(RunProgress progress) => ForEach(reporter => reporter.Begin(progress));

    /// <inheritdoc/>
    public void Ended(SuiteTest test, AttemptRecord attempt) => ForEach(reporter => reporter.Ended(test, attempt));

    /// <inheritdoc/>
    public void Problem(string text) => ForEach(reporter => reporter.Problem(text));

    /// <inheritdoc/>
    public void Refresh() => ForEach(reporter => reporter.Refresh());

    /// <inheritdoc/>
    public void Interrupted(string reason) => ForEach(reporter => reporter.Interrupted(reason));

    /// <inheritdoc/>
    public void End(int exitCode) => ForEach(reporter => reporter.End(exitCode));

    private void ForEach(Action<IRunReporter> action)
    {
        foreach (var reporter in reporters)
            action(reporter);
    }

    /// <summary>What a command line asks for.</summary>
    public static IRunReporter For(RunSettings settings, OutputTarget standardOutput, OutputTarget standardError)
    {
        if (settings.Tap)
            return new Reporters(new TapReporter(standardOutput.Writer), new ConsoleReporter(new PlainScreen(standardError.Writer), lines: false));
        if (!standardOutput.IsTerminal)
            return new ConsoleReporter(new PlainScreen(standardOutput.Writer), lines: true);
        var screen = new TerminalScreen(standardOutput.Writer, !settings.NoColor, standardOutput.Utf8);
        return new ConsoleReporter(screen, lines: true, new LiveArea(screen));
    }
}
