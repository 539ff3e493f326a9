using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>RAM in huge pages of the host's: a postcopy's destination makes each up from its 512 pages, and then gives it to the guest as a whole.</summary>
/// <remarks>One at a time: there are enough of them for one pair.</remarks>
[RequiresHugePages, NonParallelizable]
public sealed class HugePageTests : MigrationFixture
{
    private const long SlowestPostcopy = 4096;
    private const uint HugePageBytes = 2 << 20;
    private const uint PageSize = 4096;

    [MigrationTest("/migration/memory/huge-pages/precopy/plain", "")]
    [MigrationTest("/migration/memory/huge-pages/precopy/multifd", "multifd")]
    public async Task Huge_pages_are_sent_and_sent_again([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Described(capabilities), ct);
        var pages = new DevicePages(pair);
        pages.Fill(DevicePages.Low, "before the migration");
        FillEnds(pair, pages);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        // Sent before, with the page that the guest has written to again.
        pages.Clear(DevicePages.Low, "in pass 1");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/memory/huge-pages/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/huge-pages/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public async Task Huge_pages_of_which_most_is_zero_come_between_others_that_are_full([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Described(capabilities) with { SourceParameters = new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy } }, ct);
        var pages = new DevicePages(pair);
        var ends = FillEnds(pair, pages);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        // One that is asked for, as the guest asks for those of its region; the others come in their turn.
        pages.FillMiddle(ends[1], "on the destination, in postcopy");
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }

    private static PairOptions Described(string capabilities) => new() { Capabilities = MigrationCapability.Several(capabilities), Ram = GuestRam.HugePages, RegionMiB = PairOptions.SmallRegionMiB };

    // Only the last of their 512 pages is not zero.
    private static uint[] FillEnds(MigrationPair pair, DevicePages pages)
    {
        uint[] ends = [.. Enumerable.Range(2, 4).Select(number => (pair.Program.Settings.RegionEnd / HugePageBytes * HugePageBytes) + ((uint)number * HugePageBytes) - PageSize)];
        foreach (var page in ends)
        {
            pages.Fill(page, "before the migration");
        }

        return ends;
    }
}
