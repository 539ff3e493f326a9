using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>What a device writes is tracked as what a vCPU writes is, by other code: pages that were sent are sent again. qtest writes as devices do.</summary>
public sealed class DeviceWriteTests : MigrationFixture
{
    private const long SlowestPostcopy = 4096;

    [MigrationTest("/migration/memory/device-writes/plain", "")]
    [MigrationTest("/migration/memory/device-writes/xbzrle", "xbzrle")]
    [MigrationTest("/migration/memory/device-writes/multifd", "multifd")]
    public async Task Pages_that_were_sent_are_sent_again_when_a_device_has_written_to_them([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.HeldFast, RegionMiB = 63 }, ct);
        var pages = new DevicePages(pair);
        pages.Fill(DevicePages.Low, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        pages.FillMiddle(DevicePages.Low, "in pass 2");
        pages.Fill(pages.High, "in pass 2");
        await migration.WaitForPassAsync(4, ct);
        pages.Clear(DevicePages.Low, "in pass 4");
        pages.FillMiddle(pages.High, "in pass 4");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/memory/device-writes/postcopy", "postcopy-ram")]
    [MigrationTest("/migration/memory/device-writes/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public async Task A_device_that_writes_to_a_part_of_a_page_waits_for_the_rest_of_it([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), SourceParameters = new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy } }, ct);
        var pages = new DevicePages(pair);
        pages.Fill(pages.High, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        // Sent before, so that it must be given up on the destination, and come again.
        pages.Fill(DevicePages.Low, "in pass 1");
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        pages.FillMiddle(DevicePages.Low, "on the destination, in postcopy");
        pages.FillMiddle(pages.High, "on the destination, in postcopy");
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
