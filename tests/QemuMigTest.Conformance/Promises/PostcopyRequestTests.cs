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

    // Pages that a guest asks for as it goes on, one after the other.
    private const int Asked = 4;

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
        // From the end on: the guest and the source are at the start.
        foreach (var address in Enumerable.Range(1, Pages).Select(number => (ulong)(pair.Program.Settings.RegionEnd - (number * Apart * GuestProgramSettings.PageSize)) + Offset))
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

    private static long Requests(MigrationInfo info) => info.Raw.GetProperty("ram").GetProperty("postcopy-requests").GetInt64();
}
