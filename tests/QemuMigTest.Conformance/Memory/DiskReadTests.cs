namespace QemuMigTest.Conformance.Memory;

/// <summary>What a disk reads into memory (DMA: the device maps the guest's pages) while a migration goes on arrives, and it reads on after it.</summary>
public sealed class DiskReadTests : MigrationFixture
{
    [MigrationTest("/migration/memory/disk-reads/plain", "")]
    [MigrationTest("/migration/memory/disk-reads/multifd", "multifd")]
    public async Task A_sector_that_is_read_while_the_migration_goes_on_arrives([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB }, ct);
        var disk = new AhciDisk(pair);
        if (!disk.IsThere)
        {
            Skip("an AHCI controller at 00:1f.2, as q35 has it", new($"class 0x{disk.Class:x6} there on {Environment.MachineType}", "only its disk reads can be asked for"));
        }

        disk.Start();
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        await disk.ReadAsync(DevicePages.Low, "in pass 2", ct);
        await migration.WaitForPassAsync(3, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await disk.ReadAsync(DevicePages.Low + 0x1000, "after the migration", ct);
    }
}
