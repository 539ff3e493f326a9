using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Many pages in a row become zero, and others are zero no more, after they were sent: whole packets of multifd, and of a file's list of pages, are of one kind.</summary>
public sealed class TurningRangeTests : MigrationFixture
{
    // A packet of multifd has 128 pages.
    private const int Pages = 400;
    private const int Alternating = 40;
    private const uint FewMiB = 4;
    private const uint PageSize = 4096;
    private const string Compression = "multifd-compression";

    [MigrationTest("/migration/memory/turning/plain", "", null)]
    [MigrationTest("/migration/memory/turning/xbzrle", "xbzrle", null)]
    [MigrationTest("/migration/memory/turning/multifd", "multifd", null)]
    public Task Pages_turn_between_passes([Capabilities] string capabilities, string? compression, CancellationToken ct) => TurnAsync(capabilities, compression, MigrationChannel.Tcp, ct);

    [MigrationTest("/migration/memory/turning/multifd/zlib", "multifd", "zlib"), RequiresArgument("migrate-set-parameters", Compression, "zlib")]
    public Task Pages_turn_between_passes_with_zlib([Capabilities] string capabilities, string? compression, CancellationToken ct) => TurnAsync(capabilities, compression, MigrationChannel.Tcp, ct);

    [MigrationTest("/migration/memory/turning/multifd/zstd", "multifd", "zstd"), RequiresArgument("migrate-set-parameters", Compression, "zstd")]
    public Task Pages_turn_between_passes_with_zstd([Capabilities] string capabilities, string? compression, CancellationToken ct) => TurnAsync(capabilities, compression, MigrationChannel.Tcp, ct);

    [MigrationTest("/migration/memory/turning/file/plain", "", null), RequiresArgument("migrate", "channels", "file")]
    [MigrationTest("/migration/memory/turning/file/mapped-ram", "mapped-ram", null)]
    [MigrationTest("/migration/memory/turning/file/multifd", "multifd mapped-ram", null)]
    public Task Pages_turn_between_passes_into_a_file([Capabilities] string capabilities, string? compression, CancellationToken ct) => TurnAsync(capabilities, compression, new FileChannel(), ct);

    private async Task TurnAsync(string capabilities, string? compression, MigrationChannel channel, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = MigrationCapability.Several(capabilities),
            SourceParameters = XbzrleCache.For(capabilities),
            Parameters = compression is null ? [] : new JsonObject { [Compression] = compression },
            // What is compressed takes so little time that a guest which waits for a processor has written to nothing meanwhile.
            Convergence = compression is null ? Convergence.HeldFast : Convergence.Held,
            RegionMiB = compression is null ? PairOptions.HeldFastRegionMiB : FewMiB,
        }, ct);
        var pages = new DevicePages(pair);
        var (first, second, alternating) = (pages.High, pages.High + (2 * Pages * PageSize), pages.High + (4 * Pages * PageSize));
        pages.FillMany(first, Pages, "before the migration");
        pages.FillMany(alternating, Alternating, "before the migration");
        pages.FillOnly(pages.NearlyZero, ^1, "before the migration");
        pages.FillOnly(pages.NearlyZero + PageSize, 0, "before the migration");
        pages.FillOnly(pages.NearlyZero + (2 * PageSize), (int)PageSize / 2, "before the migration");
        var migration = await pair.MigrateAsync(channel, ct);
        await migration.WaitForPassAsync(2, ct);
        pages.ClearMany(first, Pages, "in pass 2");
        pages.ClearMany(pages.NearlyZero, 3, "in pass 2");
        pages.FillEveryOther(alternating, Alternating, "in pass 2");
        pages.FillMany(second, Pages, "in pass 2");
        await migration.HoldXbzrleAsync(ct);
        await migration.WaitForPassAsync(4, ct);
        pages.ClearMany(second, Pages, "in pass 4");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
