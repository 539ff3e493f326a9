using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Order;
using QemuMigTest.Qmp;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>20 migrations from one source that are cancelled, that fail, or 10 that complete into a file: its descriptors, threads and memory stay as they were.</summary>
public sealed class RepeatedMigrationTests : LeakFixture
{
    // Where nobody listens: the discard port of a machine that has no such service.
    private const string Nowhere = "tcp:127.0.0.1:9";

    // Each writes all RAM to the disk.
    private const int Some = 10;

    [MigrationTest("/migration/leaks/cancelled/plain", "")]
    [MigrationTest("/migration/leaks/cancelled/multifd", "multifd")]
    [MigrationTest("/migration/leaks/cancelled/xbzrle", "xbzrle")]
    [MigrationTest("/migration/leaks/cancelled/auto-converge", "auto-converge")]
    public async Task Migrations_that_are_cancelled_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities) }, ct);
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        using var sink = new SinkServer(hangsUp: false);
        await RepeatAsync(pair, async _ =>
        {
            var position = await MigrateAsync(pair, sink.Uri, ct);
            await UntilAsync(pair, MigrationStatus.Active, position, ct);
            await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
            await UntilAsync(pair, MigrationStatus.Cancelled, position, ct);
        }, ct);
    }

    [MigrationTest("/migration/leaks/failed/refused/plain", "")]
    [MigrationTest("/migration/leaks/failed/refused/multifd", "multifd")]
    public Task Migrations_to_where_nobody_listens_leave_nothing([Capabilities] string capabilities, CancellationToken ct) => FailAsync(capabilities, Nowhere, ct);

    [MigrationTest("/migration/leaks/failed/broken/plain", false), MigrationTest("/migration/leaks/failed/broken/tls", true)]
    public Task Migrations_whose_connection_breaks_leave_nothing([UsesTls] bool tls, CancellationToken ct) => BreakAsync("", ct, tls ? TlsSettings.Psk : null);

    [MigrationTest("/migration/leaks/failed/broken/multifd"), RequiresCapability("multifd"), RequiresVersion(8, 0, Quirks.BrokenMultifdHangs)]
    public Task Migrations_over_several_channels_that_break_leave_nothing(CancellationToken ct) => BreakAsync("multifd", ct);

    [MigrationTest("/migration/leaks/completed/file", "")]
    [MigrationTest("/migration/leaks/completed/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/leaks/completed/multifd-mapped-ram", "multifd mapped-ram")]
    [RequiresArgument("migrate", "channels", "file")]
    public async Task Migrations_into_a_file_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Allowed }, ct);
        // Stopped, so that a round is one pass.
        await pair.StopSourceAsync(ct);
        var file = pair.Scratch.File("saved");
        await RepeatAsync(pair, async _ =>
        {
            var position = await MigrateAsync(pair, $"file:{file}", ct);
            await UntilAsync(pair, MigrationStatus.Completed, position, ct);
            // It refuses another migration until the guest was given back, and that until it is in postmigrate.
            await PostMigrate.WaitAsync(pair.Source, ct);
            await pair.Source.ContinueAsync(ct);
            await pair.Source.StopAsync(ct);
            System.IO.File.Delete(file);
        }, ct, Some, GrowthWithGuest);
    }

    private async Task BreakAsync(string capabilities, CancellationToken ct, TlsSettings? tls = null)
    {
        using var sink = new SinkServer(hangsUp: true);
        await FailAsync(capabilities, sink.Uri, ct, tls);
    }

    private async Task FailAsync(string capabilities, string uri, CancellationToken ct, TlsSettings? tls = null)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities), Tls = tls }, ct);
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        await RepeatAsync(pair, async _ =>
        {
            var position = await MigrateAsync(pair, uri, ct);
            await UntilAsync(pair, MigrationStatus.Failed, position, ct);
        }, ct);
    }

    private static async Task<int> MigrateAsync(MigrationPair pair, string uri, CancellationToken ct)
    {
        var position = pair.Source.EventPosition;
        await pair.Source.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, ct);
        return position;
    }

    // From setup on: 10.0 says failed of the last migration once more, later, for each of multifd's channels.
    private static async Task UntilAsync(MigrationPair pair, MigrationStatus status, int position, CancellationToken ct)
    {
        var setup = await WaitAsync(MigrationStatus.Setup, position);
        await WaitAsync(status, setup.Position + 1);

        Task<QmpEvent> WaitAsync(MigrationStatus wanted, int from) =>
            pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == wanted, from, $"migration status {wanted}", ct);
    }
}
