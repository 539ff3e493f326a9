namespace QemuMigTest.Conformance.Drills;

public sealed class PassDrills : DrillFixture
{
    private const int Passes = 3;

    [Test, DrillLimit]
    public async Task A_migration_held_at_full_speed_goes_pass_after_pass_and_completes_when_it_is_let(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.HeldFast }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(Passes, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        migration.Result!.DirtySyncCount.ShouldNotBeNull().ShouldBeGreaterThanOrEqualTo(Passes);
    }

    [Test, DrillLimit]
    public async Task A_pass_that_cannot_come_any_more_is_told_by_how_the_migration_ended(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        var failure = await Should.ThrowAsync<MigrationFailedException>(() => migration.WaitForPassAsync(1000, ct));
        failure.Message.ShouldBe("source: status completed came while pass 1000 was waited for; query-migrate gives no reason");
        await migration.CompleteAsync(ct);
    }
}
