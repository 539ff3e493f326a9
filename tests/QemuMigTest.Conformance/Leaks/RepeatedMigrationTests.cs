using QemuMigTest.Binaries;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Conformance.Order;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>20 migrations from one source that are cancelled, that fail, or that complete over a socket (into a file 10): its descriptors, threads and memory stay as they were.</summary>
public sealed class RepeatedMigrationTests : LeakFixture
{
    // Where nobody listens: the discard port of a machine that has no such service.
    private const string Nowhere = "tcp:127.0.0.1:9";

    private const string Compression = "multifd-compression";

    private const int Noisy = 60;

    // KiB a round, where one channel has 250 and more for what it compresses and what comes of it; the allocator takes some 770 at a time, up to 72 a round seen.
    private const double GrowthWithZlib = 160;

    // The same: what zstd needs goes by what it was given; up to 104 seen.
    private const double GrowthWithZstd = 256;

    // KiB a round; 9 to 21 seen.
    private const double KnownGrowth = 64;

    // Each writes all RAM to the disk.
    private const int Some = 10;

    // Pages: 4 MiB, many times what a round may add.
    private const int Cached = 1024;

    // Bytes a second for the small region: longer than a vCPU may have to wait for a processor.
    private const long PassInThirdOfSecond = 100_000_000;

    [MigrationTest("/migration/leaks/cancelled/plain", "")]
    [MigrationTest("/migration/leaks/cancelled/multifd", "multifd")]
    [MigrationTest("/migration/leaks/cancelled/xbzrle", "xbzrle")]
    [MigrationTest("/migration/leaks/cancelled/auto-converge", "auto-converge")]
    public async Task Migrations_that_are_cancelled_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        var version = Environment.Source.Version;
        var slow = CancelMustWait(version) || (capabilities == "multifd" && Quirks.MultifdCancelAtPassHangs(version));
        // Else as fast as it goes: a source that has sent its share of a time slice does not hear of a cancel until that is over, 100 ms. One that comes late finds it in pre-switchover.
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [.. MigrationCapability.Several(capabilities), MigrationCapability.PauseBeforeSwitchover],
            Convergence = slow ? Convergence.Held : Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        await CancelAsync(pair, _ => Task.CompletedTask, capabilities == "multifd" && Quirks.CancelledMultifdLeaks(version) ? KnownGrowth : GrowthAtRest, ct);
    }

    [MigrationTest("/migration/leaks/cancelled/multifd/zlib"), RequiresArgument("migrate-set-parameters", Compression, "zlib"), RequiresCapability("multifd")]
    public Task Migrations_that_compress_with_zlib_leave_nothing_when_they_are_cancelled(CancellationToken ct) => CancelCompressedAsync("zlib", GrowthWithZlib, ct);

    [MigrationTest("/migration/leaks/cancelled/multifd/zstd"), RequiresArgument("migrate-set-parameters", Compression, "zstd"), RequiresCapability("multifd")]
    public Task Migrations_that_compress_with_zstd_leave_nothing_when_they_are_cancelled(CancellationToken ct) => CancelCompressedAsync("zstd", GrowthWithZstd, ct);

    // What cannot be compressed, early in RAM, fills the buffer of the channel that takes it.
    private async Task CancelCompressedAsync(string compression, double growth, CancellationToken ct)
    {
        var slow = CancelMustWait(Environment.Source.Version);
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.Multifd, MigrationCapability.PauseBeforeSwitchover],
            SourceParameters = new() { [Compression] = compression },
            Convergence = slow ? Convergence.Held : Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        new DevicePages(pair).FillMany(DevicePages.Low, Noisy, "before the migrations");
        await CancelAsync(pair, sink => slow
            ? Task.CompletedTask
            : Poll.UntilAsync(pair.Source.Name, $"{Noisy} pages of noise", _ => Task.FromResult(sink.Received >= Noisy * 4096 ? sink : null), () => $"{sink.Received} bytes", Environment.Limits.Step, ct), growth, ct);
    }

    // Until the source sends nothing, and is far from its switchover.
    private static bool CancelMustWait(QemuVersion version) => Quirks.LateCancelFails(version) || Quirks.CancelLosesRunState(version) || Quirks.MultifdCancelWhileSendingHangs(version);

    [MigrationTest("/migration/leaks/cancelled/background-snapshot"), RequiresCapability("background-snapshot"), RequiresUserfaultfd, RequiresSourceVersion(8, 0, Quirks.CancelledSnapshotHangs)]
    public async Task Snapshots_that_are_cancelled_leave_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.BackgroundSnapshot], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await CancelAsync(pair, _ => Task.CompletedTask, GrowthAtRest, ct);
    }

    private static async Task CancelAsync(MigrationPair pair, Func<SinkServer, Task> sentAsync, double growth, CancellationToken ct)
    {
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        await RepeatAsync([pair.Source.Process], async _ =>
        {
            using var sink = new SinkServer(hangsUp: false);
            var position = await MigrateAsync(pair, sink.Uri, ct);
            await UntilAsync(pair, MigrationStatus.Active, position, ct);
            await sentAsync(sink);
            await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
            await UntilAsync(pair, MigrationStatus.Cancelled, position, ct);
        }, ct, growth: growth);
    }

    [MigrationTest("/migration/leaks/cancelled/xbzrle-cache"), RequiresCapability("xbzrle")]
    public async Task Migrations_that_are_cancelled_leave_nothing_of_the_pages_they_have_cached(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.Xbzrle, MigrationCapability.PauseBeforeSwitchover], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        // Pages are cached from the second pass on, and only those that the guest has written to again.
        await pair.Source.SetParametersAsync(new() { ["max-bandwidth"] = PassInThirdOfSecond }, ct);
        using var sink = new SinkServer(hangsUp: false);
        await RepeatAsync([pair.Source.Process], async _ =>
        {
            var position = await MigrateAsync(pair, sink.Uri, ct);
            await UntilAsync(pair, MigrationStatus.Active, position, ct);
            await WaitForCachedAsync(pair.Source, ct);
            await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
            await UntilAsync(pair, MigrationStatus.Cancelled, position, ct);
        }, ct, Some, GrowthWithGuest);
    }

    [MigrationTest("/migration/leaks/failed/refused/plain", "")]
    [MigrationTest("/migration/leaks/failed/refused/multifd", "multifd")]
    public Task Migrations_to_where_nobody_listens_leave_nothing([Capabilities] string capabilities, CancellationToken ct) => FailAsync(capabilities, Nowhere, ct);

    [MigrationTest("/migration/leaks/failed/broken/plain", false), MigrationTest("/migration/leaks/failed/broken/tls", true)]
    public Task Migrations_whose_connection_breaks_leave_nothing([UsesTls] bool tls, CancellationToken ct) => BreakAsync("", ct, tls ? TlsSettings.Psk : null);

    [MigrationTest("/migration/leaks/failed/broken/multifd"), RequiresCapability("multifd"), RequiresSourceVersion(8, 0, Quirks.BrokenMultifdHangs)]
    public Task Migrations_over_several_channels_that_break_leave_nothing(CancellationToken ct) => BreakAsync("multifd", ct);

    // All was sent, devices and all, and nobody has said that it has come.
    [MigrationTest("/migration/leaks/failed/unanswered"), RequiresCapability("return-path"), RequiresSourceVersion(8, 0, Quirks.UnansweredIsPostMigrate)]
    public async Task Migrations_that_fail_at_their_end_leave_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.ReturnPath, MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        await RepeatAsync([pair.Source.Process], async _ =>
        {
            using var sink = new SinkServer(hangsUp: false);
            var position = await MigrateAsync(pair, sink.Uri, ct);
            await UntilAsync(pair, MigrationStatus.PreSwitchover, position, ct);
            await pair.Source.ExecuteAsync("migrate-continue", new() { ["state"] = MigrationStatus.PreSwitchover.Name }, ct);
            await UntilAsync(pair, MigrationStatus.Device, position, ct);
            sink.HangUp();
            await UntilAsync(pair, MigrationStatus.Failed, position, ct);
        }, ct, Some);
    }

    [MigrationTest("/migration/leaks/completed/file", "")]
    [MigrationTest("/migration/leaks/completed/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/leaks/completed/multifd-mapped-ram", "multifd mapped-ram")]
    [RequiresArgument("migrate", "channels", "file")]
    public async Task Migrations_into_a_file_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartForCompletionAsync(capabilities, ct);
        var file = pair.Scratch.File("saved");
        await CompleteAsync(pair, $"file:{file}", Some, () => System.IO.File.Delete(file), ct);
    }

    [MigrationTest("/migration/leaks/completed/tcp/plain", "")]
    [MigrationTest("/migration/leaks/completed/tcp/multifd", "multifd")]
    [MigrationTest("/migration/leaks/completed/tcp/xbzrle", "xbzrle")]
    public async Task Migrations_that_complete_over_a_socket_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        using var sink = new SinkServer(hangsUp: false);
        await CompleteAsync(await StartForCompletionAsync(capabilities, ct), sink.Uri, Many, () => { }, ct);
    }

    // What was cached before counts on from migration to migration (docs/findings.md). A guest that had to wait for a processor may have written too little: then the switchover waits.
    private static async Task WaitForCachedAsync(MigrationSide side, CancellationToken ct)
    {
        long? before = null;
        var now = 0L;
        await Poll.UntilAsync(side.Name, $"{Cached} more pages in the XBZRLE cache", async token =>
        {
            var info = await side.QueryMigrateAsync(token);
            now = info.Raw.GetProperty("xbzrle-cache").GetProperty("cache-miss").GetInt64();
            before ??= now;
            return now - before >= Cached || info.Status == MigrationStatus.PreSwitchover ? side : null;
        }, () => $"cache-miss went from {before} to {now}; {side.Process.LastSeen()}", side.Process.Options.Limits.Step, ct);
    }

    // The whole region: with less of it the smallest leak a page would be below what a round may add.
    private async Task<MigrationPair> StartForCompletionAsync(string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Allowed }, ct);
        // Stopped, so that a round is one pass.
        await pair.StopSourceAsync(ct);
        return pair;
    }

    private static Task CompleteAsync(MigrationPair pair, string uri, int rounds, Action afterwards, CancellationToken ct) => RepeatAsync([pair.Source.Process], async _ =>
    {
        var position = await MigrateAsync(pair, uri, ct);
        await UntilAsync(pair, MigrationStatus.Completed, position, ct);
        // It refuses another migration until the guest was given back, and that until it is in postmigrate.
        await PostMigrate.WaitAsync(pair.Source, ct);
        await pair.Source.ContinueAsync(ct);
        await pair.Source.StopAsync(ct);
        afterwards();
    }, ct, rounds, GrowthWithGuest);

    private async Task BreakAsync(string capabilities, CancellationToken ct, TlsSettings? tls = null)
    {
        using var sink = new SinkServer(hangsUp: true);
        await FailAsync(capabilities, sink.Uri, ct, tls);
    }

    private async Task FailAsync(string capabilities, string uri, CancellationToken ct, TlsSettings? tls = null)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = MigrationCapability.Several(capabilities), Tls = tls, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        // A guest that runs makes QEMU's memory grow by itself: translated code.
        await pair.StopSourceAsync(ct);
        await RepeatAsync([pair.Source.Process], _ => FailAsync(pair, uri, ct), ct);
    }
}
