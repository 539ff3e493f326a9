namespace QemuMigTest.Cli;

/// <summary>What the command returns to whoever started it.</summary>
internal static class ExitCode
{
    /// <summary>All that ran passed, and something ran.</summary>
    public const int Passed = 0;

    /// <summary>A test failed, or the results could not be written.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Nothing could be tested: there is no QEMU, or every test was skipped.</summary>
    public const int NothingRun = 3;

    /// <summary>Standard output was closed by its reader: 128 + SIGPIPE.</summary>
    public const int OutputClosed = 141;
}
