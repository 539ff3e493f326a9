using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class DiskDrills : DrillFixture
{
    [Test, DrillLimit]
    public async Task A_source_that_keeps_its_disk_after_the_switchover_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        using var disk = File.OpenHandle(pair.Scratch.File("source.disk"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        await pair.Source.Process.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = "kept" }, disk, ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[disk] source: the guest is not here, and this QEMU has source.disk open for writing");
    }

    [Test, DrillLimit]
    public async Task One_of_several_disks_that_is_not_taken_back_is_found(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("other").File("other.image");
        await File.WriteAllBytesAsync(image, new byte[512], ct);
        var pair = await StartVictimAsync(new() { SourceArguments = new QemuCommandLine().With("-blockdev", $"driver=file,node-name=other,filename={QemuCommandLine.InList(image)},read-only=on") }, ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[disk] source: the guest is here, and its QEMU has other.image open for reading alone");
    }

    [Test, DrillLimit]
    public async Task A_disk_that_a_source_gives_away_before_its_switchover_is_found(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("other").File("other.image");
        await File.WriteAllBytesAsync(image, new byte[512], ct);
        var pair = await StartVictimAsync(new()
        {
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            SourceArguments = new QemuCommandLine().With("-blockdev", $"driver=file,node-name=other,filename={QemuCommandLine.InList(image)}"),
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await pair.Source.ExecuteAsync("blockdev-reopen", new()
        {
            ["options"] = new JsonArray(new JsonObject { ["driver"] = "file", ["node-name"] = "other", ["filename"] = image, ["read-only"] = true }),
        }, ct);
        await migration.AllowConvergenceAsync(ct);
        (await Should.ThrowAsync<QemuMigTestException>(() => migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct))).Message
            .ShouldBe("source: in pre-switchover its disks must be its own until migrate-continue; it has other.image open for reading alone: block nodes are inactive");
    }
}
