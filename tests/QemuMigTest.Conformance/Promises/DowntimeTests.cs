using System.Text.Json.Nodes;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Promises;

/// <summary>downtime-limit is obeyed, and what is said of the downtime is what both sides' events show.</summary>
public sealed class DowntimeTests : MigrationFixture
{
    private const long Bandwidth = 100_000_000;
    private const int Passes = 5;
    private const int FewPasses = 3;
    private const string Available = "avail-switchover-bandwidth";

    // 80 MB, less than the guest writes to in each pass; and 140 MB, more than it has.
    private const long TooShort = 800;
    private const long LongEnough = 1400;
    private const long SlowestPostcopy = 4096;

    // Nothing is left of it in 32 bits, and 0 is what is measured.
    private const long FourGib = 1L << 32;
    private const long SlowWire = 60_000_000;

    // ms.
    private const double Pause = 20;

    // ms: a busy machine's schedule, and what the sockets on the way hold.
    private const double Slack = 250;

    [MigrationTest("/migration/promises/downtime-limit"), RequiresArgument("migrate-set-parameters", Available)]
    public async Task The_switchover_comes_when_what_is_left_fits_into_the_downtime_and_not_before(CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth, [Available] = Bandwidth, ["downtime-limit"] = TooShort }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPassAsync(Passes, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "what the guest has written to takes longer than the downtime-limit allows");
        await pair.Source.SetParametersAsync(new JsonObject { ["downtime-limit"] = LongEnough }, ct);
        await migration.CompleteAsync(ct);
    }

    // What is measured, 250 MB/s, says the opposite each time: 250 MB would do at once, and 12 MB are less than the guest writes to in a pass.
    [MigrationTest("/migration/promises/avail-switchover-bandwidth"), RequiresArgument("migrate-set-parameters", Available)]
    public async Task The_switchover_comes_by_the_bandwidth_that_is_said_to_be_available_for_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.HeldFast }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { [Available] = 100_000, ["downtime-limit"] = 1000 }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(FewPasses, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "by the bandwidth that is available the downtime-limit is enough for 100 KB");
        await pair.Source.SetParametersAsync(new JsonObject { [Available] = FourGib, ["downtime-limit"] = 50 }, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/promises/downtime")]
    public async Task The_downtime_is_that_of_both_sides_events(CancellationToken ct)
    {
        // Without a return path the source is done when all is in its socket, whatever is still on its way.
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, Capabilities = [MigrationCapability.ReturnPath] }, ct);
        var migration = await pair.MigrateAsync(new ProxyChannel(SlowWire), ct);
        await migration.CompleteAsync(ct);
        var stopped = await pair.Source.WaitForEventAsync("STOP", migration.SourceEvents, ct);
        var resumed = await pair.Destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct);
        var down = (resumed.Timestamp - stopped.Timestamp).TotalMilliseconds;
        // Asked anew: on 7.2 it is still 0 when the event says completed.
        var said = (await pair.Source.QueryMigrateAsync(ct)).Downtime!.Value;
        // The source hears of it through our proxy: where the machine stood still behind RESUME, that event came late here as well, and by as much.
        var late = Late(pair.Destination, resumed);
        Math.Abs(said - down).ShouldBeLessThan(Slack + (down * WireRate.Tolerance) + late, $"downtime is {said} ms; from STOP on the source to RESUME on the destination it was {down:F0} ms (an event that came {late:F0} ms late)");
    }

    // ms behind the quickest of that side's events, by our own clock.
    private static double Late(MigrationSide side, QmpEvent one)
    {
        TimeSpan Offset(QmpEvent e) => e.Received - (e.Timestamp - DateTimeOffset.UnixEpoch);
        return (Offset(one) - side.Process.Qmp.Events.Select(Offset).Min()).TotalMilliseconds;
    }

    // A downtime of less than 1 ms is set a second time when all is there (docs/findings.md): the pause makes it longer.
    [MigrationTest("/migration/promises/downtime/postcopy"), RequiresCapability("postcopy-ram"), RequiresCapability("pause-before-switchover"), RequiresUserfaultfd]
    public async Task The_downtime_of_a_postcopy_ends_when_the_guest_goes_on_and_not_when_all_is_there(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        var start = migration.StartPostcopyAsync(ct);
        var stopped = (await pair.Source.WaitForEventAsync("STOP", migration.SourceEvents, ct)).Timestamp;
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await AtAsync(pair.Source, $"a guest that is away for {Pause} ms", stopped + TimeSpan.FromMilliseconds(Pause), ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await start;
        var resumed = (await pair.Destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct)).Timestamp;
        // Much longer than it was away.
        await AtAsync(pair.Destination, "a postcopy that takes a second more than the guest was away", resumed + (resumed - stopped) + TimeSpan.FromSeconds(1), ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
        var (said, away) = ((await pair.Source.QueryMigrateAsync(ct)).Downtime!.Value, (resumed - stopped).TotalMilliseconds);
        ((double)said).ShouldBeInRange(Pause - 1, away + Slack, $"downtime is {said} ms of a guest that was away for {away:F0} ms");
    }

    private Task AtAsync(MigrationSide side, string reason, DateTimeOffset time, CancellationToken ct) => Poll.UntilAsync(side.Name, reason, _ => Task.FromResult(
        TimeProvider.System.GetUtcNow() > time ? side : null), side.Process.LastSeen, Environment.Limits.Step, ct);

    [MigrationTest("/migration/promises/pause-before-switchover"), RequiresCapability("pause-before-switchover")]
    public async Task A_migration_that_pauses_before_the_switchover_sends_nothing_until_it_is_told_to_go_on(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover] }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var before = await pair.Source.ReadGuestStateAsync(ct);
        await WaitForQuietAsync(proxy, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.PreSwitchover);
        (await pair.Source.ReadGuestStateAsync(ct)).ShouldBe(before, "the guest is stopped in pre-switchover");
        (await pair.Destination.QueryStatusAsync(ct)).Running.ShouldBeFalse();
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // What was sent before the pause may still be on its way.
    private Task WaitForQuietAsync(ProxyChannel proxy, CancellationToken ct) => Poll.UntilAsync("proxy", "a wire without a byte for 200 ms", async token =>
        await proxy.MeasureAsync(TimeSpan.FromMilliseconds(200), token) == 0 ? proxy : null, () => $"{proxy.Bytes} bytes in all", Environment.Limits.Step, ct);
}
