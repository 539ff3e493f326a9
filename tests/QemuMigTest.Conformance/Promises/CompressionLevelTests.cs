using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Leaks;
using QemuMigTest.Conformance.Order;

namespace QemuMigTest.Conformance.Promises;

/// <summary>A higher level of multifd's compression makes the same guest smaller.</summary>
[RequiresCapability("multifd"), RequiresVersion(8, 0, "multifd-zlib-level and multifd-zstd-level have no effect before")]
public sealed class CompressionLevelTests : MigrationFixture
{
    private const string Set = "migrate-set-parameters";
    // What zstd does at its highest level takes a second for 2 MB.
    private const uint FewMiB = 2;
    private const string Method = "multifd-compression";

    [MigrationTest("/migration/promises/multifd-zlib-level"), RequiresArgument(Set, Method, "zlib")]
    public Task A_higher_level_of_zlib_sends_less(CancellationToken ct) => CompareAsync("zlib", 0, 1, ct);

    [MigrationTest("/migration/promises/multifd-zstd-level"), RequiresArgument(Set, Method, "zstd")]
    public Task A_higher_level_of_zstd_sends_less(CancellationToken ct) => CompareAsync("zstd", 1, 20, ct);

    private async Task CompareAsync(string method, int low, int high, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.Multifd],
            SourceParameters = new JsonObject { [Method] = method },
            Convergence = Convergence.Allowed,
            RegionMiB = FewMiB,
        }, ct);
        await pair.StopSourceAsync(ct);
        using var sink = new SinkServer(hangsUp: false);
        var sent = new List<long>();
        foreach (var level in new[] { low, high })
        {
            await pair.Source.SetParametersAsync(new JsonObject { [$"multifd-{method}-level"] = level }, ct);
            var position = pair.Source.EventPosition;
            await pair.Source.ExecuteAsync("migrate", new() { ["uri"] = sink.Uri }, ct);
            await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, position, "migration status completed", ct);
            // It refuses another migration until the guest was given back.
            await PostMigrate.WaitAsync(pair.Source, ct);
            sent.Add((await pair.Source.QueryMigrateAsync(ct)).RamTransferred!.Value);
            await pair.Source.ContinueAsync(ct);
            await pair.Source.StopAsync(ct);
        }

        sent[1].ShouldBeLessThan(sent[0] * 9 / 10, $"bytes at level {low} and level {high} of {method}: {string.Join(", ", sent)}");
    }
}
