namespace QemuMigTest.Conformance.Aftermath;

/// <summary>The steps that tests of what follows a migration have in common.</summary>
public abstract class AftermathFixture : MigrationFixture
{
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
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(channel, ct);
        if (pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Contains(MigrationCapability.PauseBeforeSwitchover))
        {
            await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
            await migration.ContinueFromPreSwitchoverAsync(ct);
        }

        await migration.CompleteAsync(ct);
    }
}
