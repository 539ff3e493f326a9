using System.Text.Json.Nodes;
using QemuMigTest.Processes;

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
    private const long SlowWire = 60_000_000;

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

    // What is measured, 250 MB/s, says the opposite each time: 250 MB would do at once, and 50 MB are less than the guest writes to in a pass.
    [MigrationTest("/migration/promises/avail-switchover-bandwidth"), RequiresArgument("migrate-set-parameters", Available)]
    public async Task The_switchover_comes_by_the_bandwidth_that_is_said_to_be_available_for_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.HeldFast }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { [Available] = 100_000, ["downtime-limit"] = 1000 }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(FewPasses, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "by the bandwidth that is available the downtime-limit is enough for 100 KB");
        await pair.Source.SetParametersAsync(new JsonObject { [Available] = 1_000_000_000, ["downtime-limit"] = 200 }, ct);
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
        Math.Abs(said - down).ShouldBeLessThan(Slack + (down * WireRate.Tolerance), $"downtime is {said} ms; from STOP on the source to RESUME on the destination it was {down:F0} ms");
    }

    // A downtime of less than 1 ms is set a second time when all is there (docs/findings.md), which is rare: of three one at least shows what a downtime is.
    [MigrationTest("/migration/promises/downtime/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task The_downtime_of_a_postcopy_ends_when_the_guest_goes_on_and_not_when_all_is_there(CancellationToken ct)
    {
        const int Most = 3;
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        List<string> seen = [];
        for (var number = 1; number <= Most; number++)
        {
            await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
            var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
            await migration.WaitForPageSentAsync(ct);
            await migration.StartPostcopyAsync(ct);
            var stopped = (await pair.Source.WaitForEventAsync("STOP", migration.SourceEvents, ct)).Timestamp;
            var resumed = (await pair.Destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct)).Timestamp;
            // Much longer than it was away.
            await Poll.UntilAsync(pair.Destination.Name, "a postcopy that takes a second more than the guest was away", _ => Task.FromResult(
                TimeProvider.System.GetUtcNow() - resumed > resumed - stopped + TimeSpan.FromSeconds(1) ? pair : null), pair.Destination.Process.LastSeen, Environment.Limits.Step, ct);
            await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
            await migration.CompleteAsync(ct);
            var (said, away) = ((await pair.Source.QueryMigrateAsync(ct)).Downtime!.Value, (resumed - stopped).TotalMilliseconds);
            if (said <= away + Slack)
            {
                return;
            }

            seen.Add($"{said} ms of a guest that was away for {away:F0} ms");
            if (number < Most)
            {
                await pair.HandOnAsync(ct);
            }
        }

        Assert.Fail($"The downtime of each of {Most} postcopies is that of the whole of it: {string.Join(", ", seen)}.");
    }

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
