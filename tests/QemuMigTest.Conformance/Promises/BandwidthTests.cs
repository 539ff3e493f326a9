using System.Diagnostics;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>Limits of bandwidth, measured on the wire: they are kept to, and made use of.</summary>
public sealed class BandwidthTests : MigrationFixture
{
    private const long Limit = 30_000_000;
    private const long SlowLimit = 3_000_000;
    private const long HigherLimit = 60_000_000;

    // So that multifd's last packets of each slice, half a megabyte a channel, are a small share of it.
    private const long MultifdLimit = 120_000_000;
    private const long Begun = 1_000_000;
    private const long PageBytes = 4096;

    // QEMU sends 32 pages, 131 kB, at a time until a slice of 100 ms has had its share or more: that is 7 times at this, 2 % too much (15 % at 8 MB/s).
    // The guest's pages last for 11 s.
    private const long PostcopyLimit = 9_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PostcopyPatience = TimeSpan.FromSeconds(7);

    [MigrationTest("/migration/promises/max-bandwidth/plain", "", Limit)]
    [MigrationTest("/migration/promises/max-bandwidth/multifd", "multifd", MultifdLimit)]
    [MigrationTest("/migration/promises/max-bandwidth/xbzrle", "xbzrle", Limit)]
    public async Task A_precopy_is_as_fast_as_it_may_be_and_no_faster([Capabilities] string capabilities, long limit, CancellationToken ct)
    {
        var (migration, proxy) = await StartAsync(MigrationCapability.Several(capabilities), limit, ct);
        await WireRate.ShouldBeAsync(proxy, limit, Patience, ct);
        // Pages that are sent by halves make more of them.
        if (!capabilities.Contains("xbzrle", StringComparison.Ordinal))
        {
            await SeePagesPerSecondAsync(migration, limit, ct);
        }

        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        // It switched over in the middle of a pass; multifd's bytes are counted apart.
        if (!capabilities.Contains("multifd", StringComparison.Ordinal))
        {
            (await migration.Source.QueryMigrateAsync(ct)).Raw.GetProperty("ram").GetProperty("downtime-bytes").GetInt64().ShouldBeGreaterThan(0, "downtime-bytes: pages were left when the guest was stopped, and they were sent then");
        }
    }

    [MigrationTest("/migration/promises/max-bandwidth/changed")]
    public async Task A_limit_that_is_changed_while_the_migration_is_under_way_holds_from_then_on(CancellationToken ct)
    {
        var (migration, proxy) = await StartAsync([], Limit, ct);
        await migration.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = HigherLimit }, ct);
        await WireRate.ShouldBeAsync(proxy, HigherLimit, Patience, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // In its switchover a migration has no limit.
    [MigrationTest("/migration/promises/max-bandwidth/again"), RequiresCapability("pause-before-switchover")]
    public async Task A_precopy_keeps_to_its_limit_after_one_that_failed_in_the_switchover(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed }, ct);
        using (var broken = new ProxyChannel())
        {
            var failed = await pair.MigrateAsync(broken, ct);
            await failed.LoseBeforeSwitchoverAsync(broken, ct);
            await failed.FailAsync("", DestinationEnd.Stays, ct);
            await pair.Source.WaitForEventAsync("RESUME", failed.SourceEvents, ct);
        }

        await pair.StartAnotherDestinationAsync(ct);
        await pair.SetConvergenceAsync(Convergence.Held, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Limit }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await proxy.WaitForBytesAsync(Begun, Environment.Limits.Step, ct);
        await WireRate.ShouldBeAsync(proxy, Limit, Patience, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/promises/max-postcopy-bandwidth/unlimited"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task The_background_of_a_postcopy_without_a_limit_is_not_held_by_that_of_precopy(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], RegionMiB = PairOptions.SmallRegionMiB, DestinationArguments = new QemuCommandLine().With("-S") }, ct);
        await pair.StopSourceAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = SlowLimit }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPageSentAsync(ct);
        var (sent, start) = (proxy.Bytes, Stopwatch.GetTimestamp());
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        var held = SlowLimit * (1 + Stopwatch.GetElapsedTime(start).TotalSeconds);
        (proxy.Bytes - sent).ShouldBeGreaterThan((long)(2 * held), "bytes that went over the wire in postcopy: twice as many as max-bandwidth, which has no say there, allows in that time");
        await migration.CompleteAsync(ct);
    }

    // The guest is stopped, so that nothing but the background's pages is sent: those that a vCPU waits for may pass the limit.
    [MigrationTest("/migration/promises/max-postcopy-bandwidth", false), MigrationTest("/migration/promises/max-postcopy-bandwidth/recovery", true)]
    [RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task The_background_of_a_postcopy_is_as_fast_as_it_may_be_and_no_faster(bool recovery, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.PostcopyRam],
            SourceParameters = new JsonObject { ["max-postcopy-bandwidth"] = PostcopyLimit },
            // Postcopy lets the guest run, whether it ran before or not: docs/findings.md.
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        await pair.StopSourceAsync(ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        if (recovery)
        {
            await pair.Destination.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: ct);
            await proxy.WaitForBytesAsync(proxy.Bytes + Begun, Environment.Limits.Step, ct);
            await migration.PauseAsync(ct);
            proxy = new ProxyChannel();
            await migration.RecoverAsync(proxy, ct);
        }

        // The other limit has no say in postcopy.
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = HigherLimit }, ct);
        var begun = proxy.Bytes;
        await proxy.WaitForBytesAsync(begun + Begun, Environment.Limits.Step, ct);
        await WireRate.ShouldBeAsync(proxy, PostcopyLimit, PostcopyPatience, ct);
        var (sent, start) = (proxy.Bytes, Stopwatch.GetTimestamp());
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        // A second of the old limit's pages may be on their way still.
        var most = PostcopyLimit * (1 + Stopwatch.GetElapsedTime(start).TotalSeconds);
        (proxy.Bytes - sent).ShouldBeGreaterThan((long)most, "bytes that went over the wire without a limit; by the old limit there were this many at most");
        await migration.CompleteAsync(ct);
    }

    // Of a tenth of a second each time, in which it may have been anything: once is enough.
    private async Task SeePagesPerSecondAsync(MigrationRun migration, long limit, CancellationToken ct)
    {
        var pages = limit / PageBytes;
        var said = 0L;
        await Poll.UntilAsync(migration.Source.Name, $"pages-per-second to be some {pages}, which make the {limit} bytes a second that go over the wire", async token =>
        {
            said = (await migration.Source.QueryMigrateAsync(token)).Raw.GetProperty("ram").GetProperty("pages-per-second").GetInt64();
            return said > pages / 2 && said < pages * 2 ? migration : null;
        }, () => $"{said}", Environment.Limits.Step, ct);
    }

    private async Task<(MigrationRun Migration, ProxyChannel Proxy)> StartAsync(IReadOnlyList<MigrationCapability> capabilities, long limit, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = capabilities }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = limit }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await proxy.WaitForBytesAsync(Begun, Environment.Limits.Step, ct);
        return (migration, proxy);
    }
}
