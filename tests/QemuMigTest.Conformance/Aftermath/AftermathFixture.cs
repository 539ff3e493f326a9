namespace QemuMigTest.Conformance.Aftermath;

/// <summary>The steps that tests of what follows a migration have in common.</summary>
public abstract class AftermathFixture : MigrationFixture
{
    private const long Begun = 100_000;

    /// <summary>After a migration that failed or was cancelled: the source runs, every oracle holds, and the guest moves to a fresh destination.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="channel">What carries the next migration.</param>
    /// <param name="ct">Ends it.</param>
    protected async Task MoveAfterwardsAsync(MigrationPair pair, MigrationChannel channel, CancellationToken ct)
    {
        (await pair.Source.QueryStatusAsync(ct)).Name.ShouldBe("running", "the source goes on after a migration that came to nothing");
        await VerifyAsync(pair, ct);
        await pair.StartAnotherDestinationAsync(ct);
        await pair.Source.ContinueAsync(ct);
        // How much may be left for the switchover has been reckoned once: by the limits of then, which let all of RAM be left.
        var cameToSwitchover = pair.Source.Process.Qmp.Events.Skip(pair.Runs[^1].SourceEvents).Any(e => MigrationSide.StatusOf(e) == MigrationStatus.PreSwitchover);
        await pair.SetConvergenceAsync(cameToSwitchover ? Convergence.Held : Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(channel, ct);
        if (cameToSwitchover)
        {
            await migration.WaitForInfoAsync("RAM on its way, at 3 MB/s and with a downtime-limit of 1 ms, which is far too little for a switchover,", info => info.RamTransferred > Begun, ct);
            await migration.AllowConvergenceAsync(ct);
        }

        if (pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Contains(MigrationCapability.PauseBeforeSwitchover))
        {
            await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
            await migration.ContinueFromPreSwitchoverAsync(ct);
        }

        await migration.CompleteAsync(ct);
    }
}
