using System.Text.Json.Nodes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Promises;

/// <summary>TLS covers every connection of a migration, whole, and none where it was not asked for; and there are as many connections as there must be.</summary>
public sealed class WireTests : MigrationFixture
{
    private const string Postcopy = "postcopy-ram";
    private const string Preempt = "postcopy-ram postcopy-preempt";
    private const int SlowestPostcopy = 4096;

    [MigrationTest("/migration/promises/tls/none/plain", "", false, 1)]
    [MigrationTest("/migration/promises/tls/none/multifd", "multifd", false, 3)]
    [MigrationTest("/migration/promises/tls/plain", "", true, 1)]
    [MigrationTest("/migration/promises/tls/return-path", "return-path", true, 1)]
    [MigrationTest("/migration/promises/tls/multifd", "multifd", true, 3)]
    public async Task All_that_goes_over_the_wire_is_encrypted_or_nothing_is([Capabilities] string capabilities, [UsesTls] bool tls, int connections, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(capabilities, tls) with { Convergence = Convergence.Allowed }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.CompleteAsync(ct);
        ShouldBe(proxy, tls, connections);
        if (!tls)
        {
            proxy.Traffic.ShouldAllBe(traffic => traffic.BytesBack == 0, "without return-path nothing goes back");
        }
    }

    [MigrationTest("/migration/promises/tls/none/preempt", Preempt, false, 2)]
    [MigrationTest("/migration/promises/tls/postcopy", Postcopy, true, 1)]
    [MigrationTest("/migration/promises/tls/preempt", Preempt, true, 2)]
    [RequiresUserfaultfd]
    public async Task All_that_goes_over_the_wire_is_encrypted_in_postcopy_and_after_its_recovery([Capabilities] string capabilities, [UsesTls] bool tls, int connections, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(capabilities, tls), ct);
        var first = new ProxyChannel();
        var migration = await pair.MigrateAsync(first, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await migration.PauseAsync(ct);
        ShouldBe(first, tls, connections);

        var second = new ProxyChannel();
        await migration.RecoverAsync(second, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
        ShouldBe(second, tls, connections);
    }

    private static PairOptions Options(string capabilities, bool tls) => new() { Capabilities = MigrationCapability.Several(capabilities), Tls = tls ? TlsSettings.Psk : null };

    private static void ShouldBe(ProxyChannel proxy, bool tls, int connections)
    {
        var traffic = proxy.Traffic;
        traffic.Count.ShouldBe(connections, "a connection for each channel");
        traffic[0].Bytes.ShouldBePositive("the main channel");
        // What is not encrypted begins with no handshake: preempt's channel is silent until a page is asked for.
        traffic.ShouldAllBe(connection => connection.IsTls == tls || (!tls && connection.Bytes == 0));
    }
}
