namespace QemuMigTest.Conformance.File;

[RequiresCapability("mapped-ram")]
public sealed class MappedRamTests : MigrationFixture
{
    [MigrationTest("/migration/precopy/file/mapped-ram")]
    public async Task A_stopped_guest_moves_through_a_file_where_each_page_has_its_place(CancellationToken ct)
    {
        var pair = await StartPairAsync(ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/file/mapped-ram/live")]
    public async Task A_running_guest_moves_through_a_file_where_each_page_has_its_place(CancellationToken ct)
    {
        var pair = await StartPairAsync(ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }

    private Task<MigrationPair> StartPairAsync(CancellationToken ct) =>
        StartPairAsync(new() { Capabilities = [MigrationCapability.MappedRam], Convergence = Convergence.Allowed }, ct);
}
