namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class DiskDrills : DrillFixture
{
    [Test, CancelAfter(60_000)]
    public async Task A_source_that_keeps_its_disk_after_the_switchover_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        using var disk = File.OpenHandle(pair.Scratch.File("source.disk"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        await pair.Source.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = "kept" }, disk, ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[disk] source: the guest is not here, and this QEMU has its disk open for writing");
    }
}
