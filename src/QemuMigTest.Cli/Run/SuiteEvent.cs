using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>Something that happens during a run. Events come from the threads of tests, from timers and from signals, and are taken up in one place.</summary>
internal abstract record SuiteEvent
{
    /// <summary>An attempt at a test begins.</summary>
    public sealed record Began(SuiteTest Test) : SuiteEvent;

    /// <summary>An attempt at a test has ended.</summary>
    public sealed record Ended(SuiteTest Test, AttemptRecord Attempt) : SuiteEvent;

    /// <summary>Something failed that belongs to no test.</summary>
    public sealed record Problem(string Text) : SuiteEvent;

    /// <summary>Every selected test has run once more. <see cref="Failure"/> is set if NUnit itself failed.</summary>
    public sealed record RoundEnded(Exception? Failure) : SuiteEvent;

    /// <summary>Some time has passed.</summary>
    public sealed record Tick : SuiteEvent;

    /// <summary>The run shall end at once.</summary>
    /// <param name="Reason">What ended it: <c>SIGINT</c>.</param>
    /// <param name="ExitCode">What the command shall return.</param>
    /// <param name="Cleanup">Ends what tests had started; its result is why it could not, null if it could.</param>
    public sealed record Interrupted(string Reason, int ExitCode, Task<Exception?> Cleanup) : SuiteEvent;
}
