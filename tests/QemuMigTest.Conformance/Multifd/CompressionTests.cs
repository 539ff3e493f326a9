using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Multifd;

/// <summary>multifd-compression, by each method that the build has.</summary>
[RequiresCapability("multifd")]
public sealed class CompressionTests : MigrationFixture
{
    private const string Set = "migrate-set-parameters";
    private const string Method = "multifd-compression";

    [MigrationTest("/migration/multifd/tcp/plain/zlib"), RequiresArgument(Set, Method, "zlib")]
    public Task A_guest_moves_compressed_by_zlib(CancellationToken ct) => MoveAsync("zlib", "multifd-zlib-level", ct);

    [MigrationTest("/migration/multifd/tcp/plain/zstd"), RequiresArgument(Set, Method, "zstd")]
    public Task A_guest_moves_compressed_by_zstd(CancellationToken ct) => MoveAsync("zstd", "multifd-zstd-level", ct);

    [MigrationTest("/migration/multifd/tcp/plain/qatzip"), RequiresArgument(Set, Method, "qatzip")]
    public Task A_guest_moves_compressed_by_qatzip(CancellationToken ct) => MoveAsync("qatzip", "multifd-qatzip-level", ct);

    [MigrationTest("/migration/multifd/tcp/plain/qpl"), RequiresArgument(Set, Method, "qpl")]
    public Task A_guest_moves_compressed_by_qpl(CancellationToken ct) => MoveAsync("qpl", null, ct);

    [MigrationTest("/migration/multifd/tcp/plain/uadk"), RequiresArgument(Set, Method, "uadk")]
    public Task A_guest_moves_compressed_by_uadk(CancellationToken ct) => MoveAsync("uadk", null, ct);

    private async Task MoveAsync(string method, string? level, CancellationToken ct)
    {
        var parameters = new JsonObject { [Method] = method, ["multifd-channels"] = 4 };
        if (level is not null && !Environment.Sides.Any(side => Quirks.CompressionLevelIgnored(side.Binary.Version)))
        {
            parameters[level] = 2;
        }

        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.Multifd], Parameters = parameters, Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        if (Quirks.CompressionNotCounted(Environment.Source.Version))
        {
            return;
        }

        migration.Result!.RamTransferred!.Value.ShouldBeLessThan(pair.Program.Settings.RegionEnd - pair.Program.Settings.RegionStart, "a compressed guest takes fewer bytes than its region has");
    }
}
