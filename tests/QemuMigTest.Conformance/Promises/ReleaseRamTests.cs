using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>With release-ram the source gives back what it has sent in postcopy, and without keeps it.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class ReleaseRamTests : MigrationFixture
{
    // KiB. Of the guest's 99 MiB some were sent before postcopy began.
    private const long MostKept = 40 * 1024;

    [MigrationTest("/migration/promises/release-ram/true", "postcopy-ram release-ram", true)]
    [MigrationTest("/migration/promises/release-ram/false", "postcopy-ram", false)]
    public async Task The_source_gives_its_RAM_back_or_keeps_it([Capabilities] string capabilities, bool released, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        var before = Read(pair.Source);
        await migration.CompleteAsync(ct);
        var after = Read(pair.Source);
        var kept = $"KiB of the guest's RAM and TCG's code that the source has after the migration; before it was {before}";
        if (released)
        {
            after.ShouldBeLessThan(MostKept, kept);
        }
        else
        {
            after.ShouldBeGreaterThan(pair.Program.Settings.RegionSize / 1024, kept);
        }
    }

    private static long Read(MigrationSide side) => MemoryUse.ReadFrom(side.Process.Child.Id, MigrationPair.GuestMemoryBytes).ShouldNotBeNull();
}
