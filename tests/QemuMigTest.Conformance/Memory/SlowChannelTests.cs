namespace QemuMigTest.Conformance.Memory;

/// <summary>One of multifd's channels is far slower than the others: the destination waits for what is still on its way over it, after each pass and before the guest runs.</summary>
[RequiresCapability("multifd")]
public sealed class SlowChannelTests : MigrationFixture
{
    // With what sockets hold, half a second of it.
    private const long Slow = 5_000_000;
    private const int Pages = 400;

    [MigrationTest("/migration/memory/slow-channel")]
    public async Task The_guest_does_not_run_before_the_last_channel_is_through(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Multifd],
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Parameters = new() { ["multifd-channels"] = 4 },
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        var pages = new DevicePages(pair);
        pages.FillMany(pages.High, Pages, "before the migration");
        var migration = await pair.MigrateAsync(new ProxyChannel { SecondBytesPerSecond = Slow }, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        // Sent once more, after the older ones, of which some are on the slow channel.
        pages.FillMany(pages.High, Pages, "in pre-switchover");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
