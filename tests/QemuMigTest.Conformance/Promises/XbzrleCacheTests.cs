using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Promises;

/// <summary>xbzrle-cache-size is how much is kept: with a cache for all of the guest each page that is sent again is found in it, with a small one hardly any is.</summary>
[RequiresCapability("xbzrle")]
public sealed class XbzrleCacheTests : MigrationFixture
{
    private const long ForFew = 2 << 20;
    private const double PageSize = 4096;

    // Times a page of the region is not found: when it is looked for first, after the first pass, and then in each pass, or never again.
    [MigrationTest("/migration/promises/xbzrle-cache-size/large", XbzrleCache.ForAll, 0.9, 1.1)]
    [MigrationTest("/migration/promises/xbzrle-cache-size/small", ForFew, 1.8, 10.0)]
    public async Task Pages_are_kept_as_there_is_room(long size, double least, double most, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.Xbzrle], SourceParameters = new() { ["xbzrle-cache-size"] = size }, RegionMiB = PairOptions.HeldFastRegionMiB, Convergence = Convergence.HeldFast }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(4, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        var cache = migration.Result!.Raw.GetProperty("xbzrle-cache");
        (cache.GetProperty("cache-miss").GetDouble() / (pair.Program.Settings.RegionSize / PageSize)).ShouldBeInRange(least, most, $"misses for each page of the region; {cache}");
    }
}
