using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Tls;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>20 sources, one after the other, whom a destination turns away: its descriptors, threads and memory, and the source's, stay as they were.</summary>
[RequiresTls]
public sealed class RefusedSourceTests : LeakFixture
{
    [MigrationTest("/migration/leaks/refused/psk")]
    public Task Sources_with_another_key_leave_nothing(CancellationToken ct) =>
        TurnAwayAsync(new(new PskCredentials("one"), new PskCredentials("another")), ct);

    [MigrationTest("/migration/leaks/refused/no-tls")]
    public Task Sources_without_TLS_leave_nothing(CancellationToken ct) => TurnAwayAsync(new(null, new PskCredentials("one")), ct);

    private async Task TurnAwayAsync(TlsSettings tls, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Tls = tls, Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        await pair.Destination.ExecuteAsync("migrate-incoming", new JsonObject { ["uri"] = "tcp:127.0.0.1:0" }, ct);
        var address = (await pair.Destination.QueryMigrateAsync(ct)).SocketAddresses.ShouldHaveSingleItem();
        var uri = $"tcp:127.0.0.1:{address.GetProperty("port").GetString()}";
        await RepeatAsync([pair.Source.Process, pair.Destination.Process], _ => TurnOneAwayAsync(pair, uri, ct), ct);
    }

    // A source that had failed before it connected would leave nothing here, and prove nothing.
    private static async Task TurnOneAwayAsync(MigrationPair pair, string uri, CancellationToken ct)
    {
        await FailAsync(pair, uri, ct);
        var said = (await pair.Source.QueryMigrateAsync(ct)).ErrorDescription ?? "nothing";
        TlsTexts.LostConnection.Append(TlsTexts.HandshakeFailed).Any(text => said.Contains(text, StringComparison.Ordinal)).ShouldBeTrue($"whether the source was turned away; query-migrate says: {said}");
    }
}
