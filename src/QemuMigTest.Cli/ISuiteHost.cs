using QemuMigTest.Cli.Run;

namespace QemuMigTest.Cli;

/// <summary>Finds the QEMUs of a run and asks them what they can do, before the first test.</summary>
internal interface ISuiteHost
{
    /// <summary>Prepares a run.</summary>
    /// <param name="settings">What the user asked for.</param>
    /// <param name="note">Shows the user a line about something that takes time or happens on their behalf, such as a download.</param>
    /// <param name="cancellation">Fires when the user interrupts the command.</param>
    /// <exception cref="QemuMigTestException">Nothing can be tested; the message is shown, and the exit code is 3.</exception>
    Task<SuiteEnvironment> PrepareAsync(RunSettings settings, Action<string> note, CancellationToken cancellation);
}
