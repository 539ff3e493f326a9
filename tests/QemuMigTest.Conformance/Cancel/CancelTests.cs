namespace QemuMigTest.Conformance.Cancel;

/// <summary>migrate_cancel after each status that a precopy can have.</summary>
public sealed class CancelTests : MigrationFixture
{
    // Before 9.1 a destination always exits; since then it may stay and say that it failed.
    private bool ExitOnError => !Environment.Destination.HasArgument("migrate-incoming", "exit-on-error");

    private DestinationEnd End => ExitOnError ? DestinationEnd.Exits() : DestinationEnd.Fails();

    [MigrationTest("/migration/cancel/src/after/none")]
    public async Task A_cancel_when_there_is_nothing_to_cancel_does_not_disturb_the_migration_that_follows(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(Convergence.Allowed), ct);
        await pair.Destination.ExecuteAsync("migrate_cancel", null, ct);
        await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/cancel/src/after/setup"), RequiresCapability("multifd")]
    public Task A_migration_is_cancelled_in_setup(CancellationToken ct) => CancelBeforeSwitchoverAsync(MigrationStatus.Setup, ct);

    [MigrationTest("/migration/cancel/src/after/active"), RequiresCapability("multifd")]
    public Task A_migration_is_cancelled_while_it_is_active(CancellationToken ct) => CancelBeforeSwitchoverAsync(MigrationStatus.Active, ct);

    [MigrationTest("/migration/cancel/src/after/pre-switchover"), RequiresCapability("multifd")]
    public Task A_migration_is_cancelled_before_the_switchover_and_the_guest_runs_again(CancellationToken ct) => CancelBeforeSwitchoverAsync(MigrationStatus.PreSwitchover, ct);

    [MigrationTest("/migration/cancel/src/after/cancelling")]
    public Task A_second_cancel_while_the_first_is_under_way_changes_nothing(CancellationToken ct) => CancelTwiceAsync(MigrationStatus.Cancelling, ct);

    [MigrationTest("/migration/cancel/src/after/cancelled")]
    public Task A_second_cancel_after_the_first_changes_nothing(CancellationToken ct) => CancelTwiceAsync(MigrationStatus.Cancelled, ct);

    [MigrationTest("/migration/cancel/src/after/completed")]
    public async Task A_cancel_after_completion_changes_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(Convergence.Allowed), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        await migration.RequestCancelAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/cancel/src/after/failed")]
    public async Task A_cancel_after_a_failure_changes_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        var migration = await pair.MigrateAsync(new MissingSocketChannel(), ct);
        await migration.WaitForStatusAsync(MigrationStatus.Failed, ct);
        await migration.RequestCancelAsync(ct);
        await migration.FailAsync("No such file or directory", DestinationEnd.Stays, ct);
    }

    // pause-before-switchover keeps the migration from completing, so the cancel always comes in time.
    private async Task CancelBeforeSwitchoverAsync(MigrationStatus status, CancellationToken ct)
    {
        MigrationCapability[] multifd = status == MigrationStatus.Setup && Quirks.MultifdCancelInSetupHangs(Environment.Source.Version) ? [] : [MigrationCapability.Multifd];
        var convergence = status != MigrationStatus.PreSwitchover && Quirks.LateCancelFails(Environment.Source.Version) ? Convergence.Held : Convergence.Allowed;
        var pair = await StartPairAsync(Options(convergence) with { Capabilities = [MigrationCapability.PauseBeforeSwitchover, .. multifd] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(status, ct);
        if (status == MigrationStatus.Active && Quirks.MultifdCancelWhileSendingHangs(Environment.Source.Version))
        {
            // Then the channels wait for the limit.
            await migration.WaitForPageSentAsync(ct);
        }

        await migration.CancelAsync(End, ct);
    }

    private async Task CancelTwiceAsync(MigrationStatus status, CancellationToken ct)
    {
        // Held, so that the first cancel cannot come too late.
        var pair = await StartPairAsync(Options(Convergence.Held), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.RequestCancelAsync(ct);
        await migration.WaitForStatusAsync(status, ct);
        await migration.CancelAsync(End, ct);
    }

    private PairOptions Options(Convergence convergence) => new() { Convergence = convergence, ExitOnError = ExitOnError };
}
