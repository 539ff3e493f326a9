using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>What a device writes is tracked as what a vCPU writes is, by other code: pages that were sent are sent again. qtest writes as devices do.</summary>
public sealed class DeviceWriteTests : MigrationFixture
{
    private const long SlowestPostcopy = 4096;

    // Every other one of them is written to again: the list of what the destination must give up is sent in pieces, of twelve ranges each to 11.1.
    private const uint Many = DevicePages.Low + 0x1_0000;
    private const int ManyPages = 48;

    // Full of other noise, and then again as they were, or nearly so: xbzrle sends what differs from what it has kept of them.
    private const uint Returning = DevicePages.Low + 0x1000;
    private const uint NearlyReturning = DevicePages.Low + 0x2000;

    // Zero meanwhile, and sent as such.
    private const uint ReturningFromZero = DevicePages.Low + 0x3000;

    // Of each one byte alone is another one later.
    private const uint FirstByte = DevicePages.Low + 0x6000;
    private const uint LastByte = DevicePages.Low + 0x7000;

    // This one and the next.
    private const uint Crossed = DevicePages.Low + 0x4000;

    [MigrationTest("/migration/memory/device-writes/plain", "")]
    [MigrationTest("/migration/memory/device-writes/xbzrle", "xbzrle")]
    [MigrationTest("/migration/memory/device-writes/multifd", "multifd")]
    public async Task Pages_that_were_sent_are_sent_again_when_a_device_has_written_to_them([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), SourceParameters = XbzrleCache.For(capabilities), Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB }, ct);
        var pages = new DevicePages(pair);
        pages.Fill(DevicePages.Low, "before the migration");
        pages.FillMany(Crossed, 2, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        pages.FillAcross(Crossed, "in pass 2, with the page beside it");
        pages.FillMiddle(DevicePages.Low, "in pass 2");
        pages.Fill(pages.High, "in pass 2");
        pages.Fill(FirstByte, "in pass 2");
        pages.Fill(LastByte, "in pass 2");
        var (first, second, third) = (pages.Fill(Returning, "in pass 2"), pages.Fill(NearlyReturning, "in pass 2"), pages.Fill(ReturningFromZero, "in pass 2"));
        await migration.HoldXbzrleAsync(ct);
        await WaitUntilSentAsync(migration, ReturningFromZero, third, ct);
        pages.Clear(ReturningFromZero, "in pass 3");
        pages.Fill(Returning, "in pass 3");
        await WaitUntilSentAsync(migration, NearlyReturning, pages.Fill(NearlyReturning, "in pass 3"), ct);
        await migration.WaitForPassAsync(4, ct);
        pages.Put(Returning, first, "in pass 4, to what it was in pass 2");
        pages.Put(NearlyReturning, second, "in pass 4, to what it was in pass 2");
        pages.FillMiddle(NearlyReturning, "in pass 4, to nearly what it was in pass 2");
        pages.Put(ReturningFromZero, third, "in pass 4, to what it was in pass 2");
        pages.FillMiddle(ReturningFromZero, "in pass 4, to nearly what it was in pass 2");
        pages.FillOnly(FirstByte, 0, "in pass 4, when all of it had been sent");
        pages.FillOnly(LastByte, ^1, "in pass 4, when all of it had been sent");
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
        pages.FillMany(Many, ManyPages, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        // Sent before, so that they must be given up on the destination, and come again.
        pages.Fill(DevicePages.Low, "in pass 1");
        pages.FillEveryOther(Many, ManyPages, "in pass 1");
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        pages.FillMiddle(DevicePages.Low, "on the destination, in postcopy");
        pages.FillMiddle(pages.High, "on the destination, in postcopy");
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }

    // By its content: on a busy machine a pass may be over before what was written in it is known to be.
    private static Task WaitUntilSentAsync(MigrationRun migration, uint page, byte[] content, CancellationToken ct) =>
        migration.WaitForInfoAsync($"the page at 0x{page:x} to be on the destination", _ => migration.Destination.Process.QTest!.Read(page, content.Length).AsSpan().SequenceEqual(content), ct);
}
