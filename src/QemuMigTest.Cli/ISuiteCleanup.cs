namespace QemuMigTest.Cli;

/// <summary>Ends at once what tests have started, when the run ends before they do.</summary>
internal interface ISuiteCleanup
{
    /// <summary>Kills every QEMU that tests of this process have started and deletes their scratch folders. Does not wait for tests to end.</summary>
    void KillEverything();
}
