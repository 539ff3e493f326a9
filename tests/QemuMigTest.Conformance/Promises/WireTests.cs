using System.Text.Json.Nodes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Promises;

/// <summary>TLS covers every connection of a migration, in both directions; that nothing is encrypted without it, <see cref="ChannelTests"/> and <see cref="PostcopyRequestTests"/> see.</summary>
[RequiresTls]
public sealed class WireTests : MigrationFixture
{
    private const int SlowestPostcopy = 4096;

    [MigrationTest("/migration/promises/tls/plain", "return-path", 1)]
    [MigrationTest("/migration/promises/tls/multifd", "multifd", 3)]
    public async Task All_that_goes_over_the_wire_is_encrypted([Capabilities] string capabilities, int connections, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(capabilities) with { Convergence = Convergence.Allowed }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.CompleteAsync(ct);
        ShouldBeTls(proxy, connections);
    }

    [MigrationTest("/migration/promises/tls/preempt", "postcopy-ram postcopy-preempt", 2)]
    [RequiresUserfaultfd, RequiresVersion(8, 0, Quirks.PreemptRecoveryMayFail)]
    public async Task All_that_goes_over_the_wire_is_encrypted_in_postcopy_and_after_its_recovery([Capabilities] string capabilities, int connections, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(capabilities), ct);
        var first = new ProxyChannel();
        var migration = await pair.MigrateAsync(first, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await migration.PauseAsync(ct);
        ShouldBeTls(first, connections);

        var second = new ProxyChannel();
        await migration.RecoverAsync(second, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
        ShouldBeTls(second, connections);
    }

    private static PairOptions Options(string capabilities) => new() { Capabilities = MigrationCapability.Several(capabilities), Tls = TlsSettings.Psk, RegionMiB = PairOptions.SmallRegionMiB };

    private static void ShouldBeTls(ProxyChannel proxy, int connections)
    {
        var traffic = proxy.Traffic;
        traffic.Count.ShouldBe(connections, "a connection for each channel");
        traffic.ShouldAllBe(connection => connection.IsTls && connection.Bytes > 0 && connection.BytesBack > 0);
    }
}
