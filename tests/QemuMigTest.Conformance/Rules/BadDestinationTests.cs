namespace QemuMigTest.Conformance.Rules;

public sealed class BadDestinationTests : MigrationFixture
{
    [MigrationTest("/migration/bad_dest")]
    public async Task A_destination_where_nobody_listens_fails_the_migration_and_the_guest_stays(CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), ct);
        var migration = await pair.MigrateAsync(new NobodyListensChannel(), ct);
        await migration.FailAsync("Connection refused", DestinationEnd.Stays, ct);
    }
}
