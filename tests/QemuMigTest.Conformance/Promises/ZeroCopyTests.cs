namespace QemuMigTest.Conformance.Promises;

/// <summary>zero-copy-send (since 7.1) has the kernel send the guest's pages from where they are. Over the loopback it copies them all the same, and QEMU, which it tells, counts for each channel how often it was flushed of which that is true.</summary>
[RequiresCapability("multifd"), RequiresCapability("zero-copy-send"), RequiresLockedMemory]
public sealed class ZeroCopyTests : MigrationFixture
{
    private const int Channels = 2;

    // Channels are flushed where the search for dirty pages comes to the end of RAM: in a pass, and once more where it then finds none.
    private const int FlushesInAPass = 2;

    [MigrationTest("/migration/promises/zero-copy-send")]
    public async Task The_kernel_is_asked_to_send_pages_from_where_they_are_and_the_guest_arrives(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Multifd],
            SourceCapabilities = [new("zero-copy-send")],
            Parameters = new() { ["multifd-channels"] = Channels },
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(3, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        var ram = migration.Result!.Raw.GetProperty("ram");
        // To 8.0, and with machines of then (multifd-flush-after-each-section), channels are flushed more often than once a pass.
        var most = Environment.Source.Version.IsAtLeast(8, 1) && Environment.MachineVersion >= new Version(8, 1) ? ram.GetProperty("dirty-sync-count").GetInt64() * FlushesInAPass * Channels : long.MaxValue;
        ram.GetProperty("dirty-sync-missed-zero-copy").GetInt64().ShouldBeInRange(1, most, $"how often the kernel was asked not to copy, and did: dirty-sync-missed-zero-copy of {ram}");
    }
}
