namespace QemuMigTest.Conformance.Precopy;

public sealed class ExecTests : MigrationFixture
{
    [MigrationTest("/migration/precopy/exec/plain")]
    public async Task A_running_guest_moves_through_commands_that_QEMU_starts_and_reaps(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Exec, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
