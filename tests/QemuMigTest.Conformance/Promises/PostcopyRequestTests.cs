using System.Text.Json.Nodes;
using QemuMigTest.Guests;

namespace QemuMigTest.Conformance.Promises;

/// <summary>In postcopy a page that the destination asks for comes at once, whatever the limit on the others.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class PostcopyRequestTests : MigrationFixture
{
    // A page a second: without requests the last would come after seven hours. With them each takes up to 100 ms, a slice of QEMU's rate limit.
    private const int SlowestPostcopy = 4096;
    private const int Pages = 8;
    private const int Apart = 801;

    // Where the guest does not count.
    private const uint Offset = 0x800;

    [MigrationTest("/migration/promises/postcopy-requests/plain", "postcopy-ram", 1)]
    [MigrationTest("/migration/promises/postcopy-requests/preempt", "postcopy-ram postcopy-preempt", 2)]
    public async Task A_page_that_is_asked_for_does_not_wait_for_its_turn([Capabilities] string capabilities, int connections, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        // From the end on: the guest and the source are at the start.
        foreach (var address in Enumerable.Range(1, Pages).Select(number => (ulong)(pair.Program.Settings.RegionEnd - (number * Apart * GuestProgramSettings.PageSize)) + Offset))
        {
            var expected = pair.Source.Process.QTest!.ReadUInt64(address);
            Should.NotThrow(() => pair.Destination.Process.QTest!.ReadUInt64(address), $"the page at 0x{address:x} is asked for, and must come").ShouldBe(expected, $"8 bytes at 0x{address:x}");
        }

        (await pair.Source.QueryMigrateAsync(ct)).Raw.GetProperty("ram").GetProperty("postcopy-requests").GetInt64()
            .ShouldBeGreaterThanOrEqualTo(Pages / 2, "the guest may have asked for some of them before");
        var bytes = proxy.BytesByConnection;
        bytes.Count.ShouldBe(connections, "with preempt, what was asked for has a channel of its own");
        proxy.Traffic.ShouldAllBe(connection => !connection.IsTls, "without TLS nothing is encrypted");
        bytes[^1].ShouldBeGreaterThanOrEqualTo(Pages / 2 * GuestProgramSettings.PageSize, "bytes of the channel that carries what was asked for");

        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
