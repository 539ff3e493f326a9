namespace QemuMigTest.Conformance.Cpr;

[RequiresCapability("x-ignore-shared"), RequiresSharedMemory]
public sealed class IgnoreSharedTests : MigrationFixture
{
    // Held at 3 MB/s: what has no RAM to send completes all the same.
    [MigrationTest("/migration/ignore-shared")]
    public async Task RAM_that_both_sides_share_is_not_sent(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Ram = GuestRam.SharedFile, Capabilities = [MigrationCapability.IgnoreShared] }, ct);
        var ram = KeptRam.Of(pair.Source);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }
}
