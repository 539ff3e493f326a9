using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>Shows a run while it takes place. Called from one thread.</summary>
internal interface IRunReporter
{
    /// <summary>The run begins.</summary>
    void Begin(RunProgress progress);

    /// <summary>An attempt has ended.</summary>
    void Ended(SuiteTest test, AttemptRecord attempt);

    /// <summary>Something failed that belongs to no test.</summary>
    void Problem(string text);

    /// <summary>Something else has changed, be it only the time.</summary>
    void Refresh();

    /// <summary>The run ended before all was done; what still runs has not been recorded yet.</summary>
    void Interrupted(string reason);

    /// <summary>The run is over.</summary>
    void End(int exitCode);
}
