using QemuMigTest.Oracles;

namespace QemuMigTest.Conformance.Memory;

/// <summary>A guest that writes to a few pages over and over: they stay in TCG's TLB, and a store to a page that has been sent must be noticed all the same.</summary>
public sealed class FewPagesTests : MigrationFixture
{
    private const int FewMiB = 1;
    private const int MorePages = 200;
    private const int PageSize = 4096;
    private const long SlowBandwidth = 1_000_000;

    // Where QEMU loses stores it does so in three of four migrations.
    private const int Attempts = 12;

    // Of a page that is thousands of passes behind every counter is another, and no stamp; and of one that is more than half of the 65536 numbers behind, it is nearer ahead.
    private const string CountersAlone = "other damage; [0-9]+ bytes? (at offset 0x[0-9a-f]{1,2}|from offset 0x[0-9a-f]{1,2} to 0x[0-9a-f]{1,2}):";

    [MigrationTest("/migration/memory/few-pages/precopy/plain", "")]
    [MigrationTest("/migration/memory/few-pages/precopy/multifd", "multifd")]
    [MigrationTest("/migration/memory/few-pages/precopy/postcopy-ram", "postcopy-ram")]
    public Task Few_pages_that_are_written_all_the_time_arrive_as_they_were_last([Capabilities] string capabilities, CancellationToken ct) =>
        ProveAsync(capabilities, migration => migration.AllowConvergenceAsync(ct), ct);

    [MigrationTest("/migration/memory/few-pages/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/few-pages/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public Task Few_pages_that_are_written_all_the_time_are_sent_again_in_postcopy([Capabilities] string capabilities, CancellationToken ct) =>
        ProveAsync(capabilities, migration => migration.StartPostcopyAsync(ct), ct);

    // All have the same index in TCG's TLB, whatever its size: each is driven out by the next, and comes back from the few that were driven out last.
    [MigrationTest("/migration/memory/few-pages/far-apart")]
    public async Task Few_pages_that_are_far_apart_arrive_as_they_were_last(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = 32, PageStrideMiB = 4, RamNodesKiB = Quirks.StoresMayBeLost(Environment.Source.Version) ? Quirks.NodesWithoutLostStoresKiB : [] }, ct);
        var pages = new DevicePages(pair);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        var behind = MigrationPair.GuestMemoryBytes - pages.NearlyZero;
        await migration.WaitForInfoAsync("the guest's region to be sent", info => info.RamRemaining is { } remaining && remaining < behind, ct);
        // So many, and so slowly, that the next pass lasts longer than the guest may have to wait for a processor. They are sent after the guest's own.
        await pair.Source.SetParametersAsync(new() { ["max-bandwidth"] = SlowBandwidth }, ct);
        pages.FillMany(pages.High, MorePages, "in pass 1");
        await migration.WaitForPassAsync(2, ct);
        await migration.WaitForInfoAsync("the guest's few pages to be sent again", info => info.RamRemaining < (MorePages - 10) * PageSize, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private async Task ProveAsync(string capabilities, Func<MigrationRun, Task> finish, CancellationToken ct)
    {
        var set = MigrationCapability.Several(capabilities);
        if (set.Contains(MigrationCapability.PostcopyRam) && Quirks.PostcopyRamLosesStores(Environment))
        {
            await ProveFaultAsync(set, finish, ct);
            return;
        }

        await MigrateAsync(set, finish, ct);
    }

    private async Task<MigrationPair> MigrateAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationRun, Task> finish, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = capabilities, RegionMiB = FewMiB, Convergence = Convergence.Held }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPageSentAsync(ct);
        await finish(migration);
        await migration.CompleteAsync(ct);
        return pair;
    }

    // The first line is the summary, and each of the others a place.
    private static void ShouldHaveLostStoresAlone(string damage)
    {
        var lines = damage.Split('\n');
        lines[0].ShouldContain("are damaged");
        foreach (var line in lines.Skip(1))
        {
            line.ShouldMatch($"pass(es)? behind|[0-9]{{4,5}} passes ahead|later ones there|more such places|{CountersAlone}", "a store that is lost leaves a page as it was before it");
        }
    }

    private async Task ProveFaultAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationRun, Task> finish, CancellationToken ct)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var pair = await MigrateAsync(capabilities, finish, ct);
            Release(pair);
            try
            {
                await VerifyAsync(pair, ct);
            }
            catch (OracleException lost)
            {
                lost.Message.ShouldStartWith("[guest] destination: ");
                lost.Message.ShouldNotContain("\n[", Case.Sensitive, "memory alone is damaged");
                ShouldHaveLostStoresAlone(lost.Message);
                NoteFault(Quirks.PostcopyRamLosesStoresShown);
                return;
            }
        }

        Assert.Fail($"{Attempts} migrations lost no store: this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.PostcopyRamLosesStores)} says it has.");
    }
}
