using System.Diagnostics;
using System.Text.Json.Nodes;
using QemuMigTest.Guests;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>In postcopy a page that the destination asks for comes at once, whatever the limit on the others.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class PostcopyRequestTests : MigrationFixture
{
    // A page a second; QEMU lets 32 by in each slice of its rate limit, 100 ms (seen on 10.2): without requests the last would come after more than a minute. With them each takes up to a slice.
    private const int SlowestPostcopy = 4096;
    private const int Pages = 8;
    private const int Apart = 801;

    // Pages that are asked for one after the other, as a guest goes on.
    private const int Asked = 4;

    // What a thread of QEMU's may wait for a processor, on the mean of some page faults.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(100);

    // Bytes a second, far below what QEMU's limit lets by.
    private const long SlowWire = 100_000;

    // Where the guest does not count.
    private const uint Offset = 0x800;

    [MigrationTest("/migration/promises/postcopy-requests/plain", "postcopy-ram", 1)]
    [MigrationTest("/migration/promises/postcopy-requests/preempt", "postcopy-ram postcopy-preempt", 2)]
    public async Task A_page_that_is_asked_for_does_not_wait_for_its_turn([Capabilities] string capabilities, int connections, CancellationToken ct)
    {
        var proxy = new ProxyChannel();
        var migration = await BeginSlowPostcopyAsync(capabilities, proxy, ct);
        var pair = migration.Pair;
        foreach (var address in Addresses(pair, Pages))
        {
            var expected = pair.Source.Process.QTest!.ReadUInt64(address);
            Should.NotThrow(() => pair.Destination.Process.QTest!.ReadUInt64(address), $"the page at 0x{address:x} is asked for, and must come").ShouldBe(expected, $"8 bytes at 0x{address:x}");
        }

        Requests(await pair.Source.QueryMigrateAsync(ct))
            .ShouldBeGreaterThanOrEqualTo(Pages / 2, "the guest may have asked for some of them before");
        var bytes = proxy.BytesByConnection;
        bytes.Count.ShouldBe(connections, "with preempt, what was asked for has a channel of its own");
        proxy.Traffic.ShouldAllBe(connection => !connection.IsTls, "without TLS nothing is encrypted");
        bytes[^1].ShouldBeGreaterThanOrEqualTo(Pages / 2 * GuestProgramSettings.PageSize, "bytes of the channel that carries what was asked for");

        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/promises/postcopy-requests/recovery/plain")]
    public Task A_page_whose_request_was_lost_with_the_channel_is_asked_for_again_after_the_recovery(CancellationToken ct) => LoseRequestAsync("postcopy-ram", ct);

    [MigrationTest("/migration/promises/postcopy-requests/recovery/preempt"), RequiresCapability("postcopy-preempt"), RequiresVersion(8, 0, Quirks.PreemptRecoveryMayFail)]
    public Task It_is_asked_for_again_where_such_pages_have_a_channel_of_their_own(CancellationToken ct) => LoseRequestAsync("postcopy-ram postcopy-preempt", ct);

    // What waits for them is QEMU's main thread, and no vCPU: since 10.1 each is in the latencies, and in their mean, which of a vCPU's some are not.
    [MigrationTest("/migration/promises/postcopy-blocktime"), RequiresCapability("postcopy-blocktime")]
    public async Task What_waits_for_a_page_without_being_a_vCPU_is_in_the_latencies_and_in_no_blocktime(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.PostcopyRam, MigrationCapability.PostcopyBlocktime],
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await pair.Destination.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: ct);
        var start = Stopwatch.GetTimestamp();
        foreach (var address in Addresses(pair, Asked))
        {
            pair.Destination.Process.QTest!.ReadUInt64(address).ShouldBe(pair.Source.Process.QTest!.ReadUInt64(address), $"8 bytes at 0x{address:x}");
        }

        var waited = Stopwatch.GetElapsedTime(start);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "migration status completed", ct);
        var info = (await pair.Destination.QueryMigrateAsync(ct)).Raw;
        info.GetProperty("postcopy-blocktime").GetInt64().ShouldBe(0, "no vCPU has run: postcopy-blocktime");
        info.GetProperty("postcopy-vcpu-blocktime").EnumerateArray().ShouldAllBe(time => time.GetInt64() == 0, "no vCPU has run: postcopy-vcpu-blocktime");
        if (info.TryGetProperty("postcopy-latency-dist", out var buckets))
        {
            buckets.EnumerateArray().Sum(bucket => bucket.GetInt64()).ShouldBe(Asked, "page faults in postcopy-latency-dist");
            // The thread may go on before QEMU has noted the end of its wait.
            info.GetProperty("postcopy-non-vcpu-latency").GetDouble().ShouldBeInRange(1, ((waited / Asked) + Slack).TotalNanoseconds, $"postcopy-non-vcpu-latency, ns, of {Asked} page faults, which took {waited.TotalMilliseconds:F0} ms in all");
        }

        await pair.Destination.ContinueAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // The second vCPU is never started: it waits for no page.
    [MigrationTest("/migration/promises/postcopy-blocktime/two-vcpus"), RequiresCapability("postcopy-blocktime")]
    public async Task Time_in_which_one_of_two_vCPUs_waits_is_its_own_and_no_blocktime_of_all(CancellationToken ct)
    {
        const long Slow = 20 << 20;
        var arguments = new QemuCommandLine().With("-smp", "2");
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.PostcopyRam, MigrationCapability.PostcopyBlocktime],
            SourceParameters = new() { ["max-postcopy-bandwidth"] = Slow },
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
        var info = (await pair.Destination.QueryMigrateAsync(ct)).Raw;
        var times = info.GetProperty("postcopy-vcpu-blocktime").EnumerateArray().Select(time => time.GetInt64()).ToList();
        times.Count.ShouldBe(2, "vCPUs in postcopy-vcpu-blocktime");
        times[0].ShouldBeGreaterThan(0, "postcopy-vcpu-blocktime of the vCPU that runs the guest, ms");
        times[1].ShouldBe(0, "postcopy-vcpu-blocktime of a vCPU that was never started, ms");
        info.GetProperty("postcopy-blocktime").GetInt64().ShouldBe(0, "postcopy-blocktime, ms, in which all vCPUs waited at once");
    }

    private async Task<MigrationRun> BeginSlowPostcopyAsync(string capabilities, ProxyChannel proxy, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        return migration;
    }

    private async Task LoseRequestAsync(string capabilities, CancellationToken ct)
    {
        var proxy = new ProxyChannel();
        var migration = await BeginSlowPostcopyAsync(capabilities, proxy, ct);
        var pair = migration.Pair;
        // By then the destination has said all that belongs to the switchover.
        await migration.WaitForInfoAsync("the guest to ask for pages", info => Requests(info) >= Asked, ct);
        proxy.HoldReturn();
        await proxy.WaitForHeldAsync(Environment.Limits.Step, ct);
        await migration.PauseAsync(ct);
        var before = Requests(await pair.Source.QueryMigrateAsync(ct));
        var slow = new ProxyChannel(SlowWire);
        await migration.RecoverAsync(slow, ct);
        // That page, and another: the guest has gone on. In its turn the page would come much later: the source begins anew at the start of RAM.
        MigrationInfo? seen = null;
        await Poll.UntilAsync(pair.Destination.Name, "its guest, which waits for a page since before the pause, to get it after the recovery, go on, and ask for the next",
            async token => Requests(seen = await pair.Source.QueryMigrateAsync(token)) >= before + 2 ? this : null,
            () => $"{before} pages asked for before the recovery; the source says {seen}", Environment.Limits.Command, ct);

        slow.LiftLimit();
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }

    // From the end on: the guest and the source are at the start.
    private static IEnumerable<ulong> Addresses(MigrationPair pair, int count) =>
        Enumerable.Range(1, count).Select(number => (ulong)(pair.Program.Settings.RegionEnd - (number * Apart * GuestProgramSettings.PageSize)) + Offset);

    private static long Requests(MigrationInfo info) => info.Raw.GetProperty("ram").GetProperty("postcopy-requests").GetInt64();
}
