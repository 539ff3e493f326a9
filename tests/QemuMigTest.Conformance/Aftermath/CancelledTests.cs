using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A migration that was cancelled leaves nothing behind that the next one would stumble over.</summary>
public sealed class CancelledTests : AftermathFixture
{
    private const long PartOfPass = 5_000_000;

    // Of 8 MiB that are due to each of four.
    private const long PageOfChannel = 1_000_000;
    private static readonly string[] OneAfterTheOther = ["multifd", "xbzrle", "auto-converge validate-uuid", "release-ram"];

    // Not in setup with a return path: docs/findings.md.
    [MigrationTest("/migration/aftermath/cancelled/setup/plain", "setup", "")]
    [MigrationTest("/migration/aftermath/cancelled/active/plain", "active", "")]
    [MigrationTest("/migration/aftermath/cancelled/active/multifd", "active", "multifd")]
    [MigrationTest("/migration/aftermath/cancelled/pre-switchover/plain", "pre-switchover", "")]
    [MigrationTest("/migration/aftermath/cancelled/pre-switchover/multifd", "pre-switchover", "multifd")]
    public Task The_guest_moves_after_a_cancel(string after, [Capabilities] string capabilities, CancellationToken ct) => CancelAsync(after, capabilities, ct);

    [MigrationTest("/migration/aftermath/cancelled/active/return-path", "active", "return-path")]
    [MigrationTest("/migration/aftermath/cancelled/active/postcopy", "active", "postcopy-ram")]
    [MigrationTest("/migration/aftermath/cancelled/active/preempt", "active", "postcopy-ram postcopy-preempt")]
    [MigrationTest("/migration/aftermath/cancelled/pre-switchover/postcopy", "pre-switchover", "postcopy-ram")]
    [RequiresSourceVersion(11, 0, Quirks.CancelMayFail)]
    public Task The_guest_moves_after_a_cancel_with_a_return_path(string after, [Capabilities] string capabilities, CancellationToken ct) => CancelAsync(after, capabilities, ct);

    // Pages of several passes are on the destination, and in xbzrle's cache, when it is cancelled.
    [MigrationTest("/migration/aftermath/cancelled/third-pass/plain", "")]
    [MigrationTest("/migration/aftermath/cancelled/third-pass/xbzrle", "xbzrle")]
    [MigrationTest("/migration/aftermath/cancelled/third-pass/multifd", "multifd")]
    public async Task The_guest_moves_after_a_cancel_in_the_third_pass([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(3, ct);
        if (capabilities == "multifd" && Quirks.MultifdCancelAtPassHangs(Environment.Source.Version))
        {
            // The channels have long been told of the new pass.
            var sent = (await pair.Source.QueryMigrateAsync(ct)).RamTransferred;
            await migration.WaitForInfoAsync("a part of the third pass to be sent", info => info.RamTransferred > sent + PartOfPass, ct);
        }

        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    // What the first migration has kept of a page is not what the second one's destination has, and what the page becomes is.
    [MigrationTest("/migration/aftermath/cancelled/xbzrle-cache"), RequiresCapability("xbzrle")]
    public async Task What_xbzrle_has_kept_is_not_used_after_a_cancel(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Xbzrle],
            SourceParameters = XbzrleCache.For("xbzrle"),
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
        }, ct);
        var pages = new DevicePages(pair);
        var kept = pages.Fill(pages.High, "before the first migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        // Looked for in pass 2 or 3, where it is kept.
        await migration.WaitForPassAsync(2, ct);
        kept = pages.FillMiddle(pages.High, "in the first migration");
        await migration.HoldXbzrleAsync(ct);
        await migration.WaitForPassAsync(4, ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        await pair.SetConvergenceAsync(Convergence.HeldFast, ct);
        pages.Fill(pages.High, "before the second migration");
        migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(2, ct);
        pages.Put(pages.High, kept, "in the second migration");
        await migration.HoldXbzrleAsync(ct);
        await migration.WaitForPassAsync(4, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/file/plain", ""), RequiresArgument("migrate", "channels")]
    [MigrationTest("/migration/aftermath/cancelled/file/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/aftermath/cancelled/file/multifd", "multifd mapped-ram")]
    public async Task The_guest_moves_through_a_file_after_a_cancel([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.CancelAsync(DestinationEnd.Stays, ct);
        await MoveAfterwardsAsync(pair, new FileChannel(), ct);
    }

    // Whose turn it is, is kept from migration to migration. With one channel each of the many but the first would be beyond it.
    [MigrationTest("/migration/aftermath/cancelled/fewer-channels"), RequiresCapability("multifd")]
    public async Task The_guest_moves_over_one_channel_after_a_cancel_over_many(CancellationToken ct)
    {
        const string Channels = "multifd-channels";
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.Multifd], Parameters = new() { [Channels] = 15 }, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        await Task.WhenAll(new[] { pair.Source, pair.Destination }.Select(side => side.SetParametersAsync(new() { [Channels] = 1 }, ct)));
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/aftermath/cancelled/more-channels"), RequiresCapability("multifd")]
    public async Task The_guest_moves_over_many_channels_after_a_cancel_over_one(CancellationToken ct)
    {
        const string Channels = "multifd-channels";
        const int Many = 4;
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.Multifd], Parameters = new() { [Channels] = 1 }, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        await Task.WhenAll(new[] { pair.Source, pair.Destination }.Select(side => side.SetParametersAsync(new() { [Channels] = Many }, ct)));
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        var proxy = new ProxyChannel();
        migration = await pair.MigrateAsync(proxy, ct);
        await migration.CompleteAsync(ct);
        proxy.BytesByConnection.Count(bytes => bytes > PageOfChannel).ShouldBe(Many, $"connections that carried pages; all of them carried {string.Join(", ", proxy.BytesByConnection)} bytes");
    }

    // The last migration has none of them: what it tells, and how it goes, must not be theirs.
    [MigrationTest("/migration/aftermath/cancelled/turned-off")]
    public async Task The_guest_moves_without_capabilities_after_cancels_with_them(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Held, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var both = Environment.Source.MigrationCapabilities.Intersect(Environment.Destination.MigrationCapabilities).ToHashSet();
        foreach (var several in OneAfterTheOther.Select(MigrationCapability.Several).Where(several => several.All(one => both.Contains(one.Name))))
        {
            await pair.Source.EnableAsync(several, ct);
            await pair.Destination.EnableAsync(several, ct);
            var cancelled = await pair.MigrateAsync(MigrationChannel.Unix, ct);
            await cancelled.WaitForPageSentAsync(ct);
            await cancelled.CancelAsync(DestinationEnd.Exits(), ct);
            await pair.Source.DisableAsync(several, ct);
            await pair.StartAnotherDestinationAsync(ct);
        }

        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    // Dirty tracking of a stopped guest is put off until the guest goes on, by when the next migration relies on it.
    // A precopy's source needs its RAM again, also with release-ram.
    [MigrationTest("/migration/aftermath/cancelled/stopped/plain", "")]
    [MigrationTest("/migration/aftermath/cancelled/stopped/release-ram", "release-ram")]
    public async Task What_is_written_when_a_stopped_guest_goes_on_in_its_next_migration_is_sent([Capabilities] string capabilities, CancellationToken ct)
    {
        // Nearly all of RAM is the region: what the second migration does not take for dirty is not written again, and so is missed.
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Held }, ct);
        var pages = new DevicePages(pair);
        pages.Fill(DevicePages.Low, "before the migrations");
        pages.Fill(pages.High, "before the migrations");
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.ContinueAsync(ct);
        pages.Fill(DevicePages.Low, "in the second migration, when its page had been sent");
        pages.FillMiddle(pages.High, "in the second migration");
        await pair.Source.StopAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private async Task CancelAsync(string after, string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = MigrationCapability.Several(capabilities),
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        var waitsForLimit = after == "active" && capabilities == "multifd" && Quirks.MultifdCancelWhileSendingHangs(Environment.Source.Version);
        // QEMU reckons how much may be left for the switchover every 100 ms; one that is done before has not done so.
        var switchesOver = after == MigrationStatus.PreSwitchover.Name;
        if (waitsForLimit || switchesOver || Quirks.LateCancelFails(Environment.Source.Version))
        {
            await pair.SetConvergenceAsync(Convergence.Held, ct);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        if (switchesOver)
        {
            await migration.WaitForPageSentAsync(ct);
            await migration.AllowConvergenceAsync(ct);
        }

        await migration.WaitForStatusAsync(new MigrationStatus(after), ct);
        if (waitsForLimit)
        {
            await migration.WaitForPageSentAsync(ct);
        }

        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }
}
