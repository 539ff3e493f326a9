using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Leaks;
using QemuMigTest.Conformance.Order;

namespace QemuMigTest.Conformance.Promises;

/// <summary>A higher level of multifd's compression makes the same guest smaller.</summary>
[RequiresCapability("multifd"), RequiresSourceVersion(8, 0, "multifd-zlib-level and multifd-zstd-level have no effect before")]
public sealed class CompressionLevelTests : MigrationFixture
{
    private const string Set = "migrate-set-parameters";
    // What zstd does at its highest level takes a second for 2 MB.
    private const uint FewMiB = 2;
    private const string Method = "multifd-compression";

    [MigrationTest("/migration/promises/multifd-zlib-level"), RequiresArgument(Set, Method, "zlib")]
    public async Task A_higher_level_of_zlib_sends_less_and_level_0_all(CancellationToken ct)
    {
        var (sent, pages) = await CompareAsync("zlib", 0, 1, PairOptions.SmallRegionMiB, ct);
        sent.ShouldBeGreaterThanOrEqualTo(pages, "bytes at level 0, which compresses nothing in any of the channels");
    }

    [MigrationTest("/migration/promises/multifd-zstd-level"), RequiresArgument(Set, Method, "zstd")]
    public Task A_higher_level_of_zstd_sends_less(CancellationToken ct) => CompareAsync("zstd", 1, 20, FewMiB, ct);

    // Bytes that were sent at the lower level, and those of the pages in them.
    private async Task<(long Sent, long Pages)> CompareAsync(string method, int low, int high, uint regionMiB, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.Multifd],
            SourceParameters = new JsonObject { [Method] = method },
            Convergence = Convergence.Allowed,
            RegionMiB = regionMiB,
        }, ct);
        await pair.StopSourceAsync(ct);
        using var sink = new SinkServer(hangsUp: false);
        var sent = new List<long>();
        var pages = new List<long>();
        foreach (var level in new[] { low, high })
        {
            await pair.Source.SetParametersAsync(new JsonObject { [$"multifd-{method}-level"] = level }, ct);
            var position = pair.Source.EventPosition;
            await pair.Source.ExecuteAsync("migrate", new() { ["uri"] = sink.Uri }, ct);
            await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, position, "migration status completed", ct);
            // It refuses another migration until the guest was given back.
            await PostMigrate.WaitAsync(pair.Source, ct);
            var ram = (await pair.Source.QueryMigrateAsync(ct)).Raw.GetProperty("ram");
            sent.Add(ram.GetProperty("transferred").GetInt64());
            pages.Add(ram.GetProperty("normal-bytes").GetInt64());
            await pair.Source.ContinueAsync(ct);
            await pair.Source.StopAsync(ct);
        }

        sent[1].ShouldBeLessThan(sent[0] * 9 / 10, $"bytes at level {low} and level {high} of {method}: {string.Join(", ", sent)}");
        return (sent[0], pages[0]);
    }
}
