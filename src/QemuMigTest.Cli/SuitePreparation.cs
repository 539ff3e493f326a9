using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli;

/// <summary>Prepares and ends runs of a suite that needs no QEMU.</summary>
internal sealed class SuitePreparation : ISuiteHost, ISuiteCleanup
{
    /// <inheritdoc/>
    public Task<SuiteEnvironment> PrepareAsync(RunSettings settings, Action<string> note, CancellationToken cancellation) =>
        Task.FromResult(new SuiteEnvironment { Host = HostRecord.OfThisMachine() });

    /// <inheritdoc/>
    public void KillEverything()
    {
    }
}
