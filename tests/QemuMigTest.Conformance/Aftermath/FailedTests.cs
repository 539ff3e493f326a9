using QemuMigTest.Conformance.Cancel;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A migration that failed leaves nothing behind that the next one would stumble over.</summary>
public sealed class FailedTests : AftermathFixture
{
    [MigrationTest("/migration/aftermath/failed/lost/plain", "")]
    [MigrationTest("/migration/aftermath/failed/lost/return-path", "return-path")]
    [MigrationTest("/migration/aftermath/failed/lost/xbzrle", "xbzrle")]
    [MigrationTest("/migration/aftermath/failed/lost/multifd", "multifd")]
    [MigrationTest("/migration/aftermath/failed/lost/postcopy", "postcopy-ram")]
    public async Task The_guest_moves_after_a_destination_was_lost([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.LoseAsync(pair.Destination, ct);
        await migration.FailAsync("", DestinationEnd.Stays, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    [MigrationTest("/migration/aftermath/failed/unreachable/plain", "")]
    [MigrationTest("/migration/aftermath/failed/unreachable/multifd", "multifd")]
    [MigrationTest("/migration/aftermath/failed/unreachable/postcopy", "postcopy-ram")]
    public async Task The_guest_moves_after_nobody_was_there([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(new MissingSocketChannel(), ct);
        await migration.FailAsync("No such file or directory", DestinationEnd.Stays, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    // A source takes it also when its migration has failed.
    [MigrationTest("/migration/aftermath/failed/start-postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_switch_to_postcopy_that_came_too_late_is_not_one_of_the_next_migration(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], RegionMiB = PairOptions.SmallRegionMiB, Convergence = Convergence.HeldFast }, ct);
        var failed = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await failed.WaitForPageSentAsync(ct);
        await pair.LoseAsync(pair.Destination, ct);
        await failed.FailAsync("", DestinationEnd.Stays, ct);
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(3, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "nobody has told this migration to switch to postcopy");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        pair.Source.Process.Qmp.Events.Skip(migration.SourceEvents).Select(MigrationSide.StatusOf).ShouldNotContain(MigrationStatus.PostcopyActive);
    }
}
