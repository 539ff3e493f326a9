namespace QemuMigTest.Conformance.Throttling;

[RequiresKvmDirtyRing]
public sealed class DirtyRingTests : MigrationFixture
{
    // The guest has rings instead of bitmaps: a page that KVM forgets to put into one stays old on the destination.
    [MigrationTest("/migration/dirty_ring", TimeoutSeconds = 120)]
    public async Task Dirty_pages_are_found_by_rings(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { DirtyRingSize = DirtyRing.Size }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
