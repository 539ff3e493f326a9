using System.Globalization;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot of a VM is one of all its disks, of which a machine may have many.</summary>
[RequiresCommand("snapshot-save")]
public sealed class SnapshotDisksTests : MigrationFixture
{
    private const byte Then = 0x10;
    private const byte After = 0x80;
    private static readonly string[] Disks = ["disk1", "disk2", "disk3", "disk4"];

    [MigrationTest("/migration/snapshot/disks")]
    public async Task Every_disk_goes_back_to_what_it_was_and_keeps_the_snapshot_until_it_is_deleted(CancellationToken ct)
    {
        var pair = await StartAsync(ct);
        var (side, snapshot) = (pair.Source, new VmSnapshot(pair.Source, Disks));
        await WriteAsync(side, Then, ct);
        (await snapshot.SaveAsync(ct)).ShouldBeNull("snapshot-save");
        await WriteAsync(side, After, ct);
        await ShouldHaveAsync(side, After, "what was written last", ct);
        await snapshot.LoadAsync(ct);
        await ShouldHaveAsync(side, Then, "what it had when all was saved", ct);
        await WriteAsync(side, After, ct);
        await snapshot.LoadAsync(ct);
        await ShouldHaveAsync(side, Then, "what it had when all was saved, for the second time", ct);
        (await HoldersAsync(side, ct)).ShouldBe(Disks);
        await snapshot.DeleteAsync(ct);
        (await HoldersAsync(side, ct)).ShouldBeEmpty("the snapshot was deleted");
    }

    [MigrationTest("/migration/snapshot/disks/without")]
    public async Task Nothing_is_loaded_where_a_disk_has_no_such_snapshot_and_the_guest_can_go_on(CancellationToken ct)
    {
        var pair = await StartAsync(ct);
        var side = pair.Source;
        await WriteAsync(side, Then, ct);
        (await new VmSnapshot(side, [.. Disks.SkipLast(1)]).SaveAsync(ct)).ShouldBeNull("snapshot-save");
        await WriteAsync(side, After, ct);
        (await new VmSnapshot(side, Disks).TryLoadAsync(ct)).ShouldNotBeNull("the last disk has no snapshot").ShouldContain("does not exist in one or more devices");
        await ShouldHaveAsync(side, After, "what was written last: nothing was loaded", ct);
        // docs/findings.md: a guest that ran is stopped for it, and stays so.
        (await side.QueryStatusAsync(ct)).ShouldBe(new RunState("restore-vm", false));
        await side.ContinueAsync(ct);
    }

    private async Task<MigrationPair> StartAsync(CancellationToken ct)
    {
        var scratch = Session.Scratch.CreateChild("snapshot");
        var arguments = await VmSnapshot.CreateAsync(scratch.File("image"), ct);
        foreach (var disk in Disks)
        {
            arguments = await VmSnapshot.AddDiskAsync(arguments, disk, scratch.File(disk), ct);
        }

        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments }, ct);
        // It goes back in time, and writes markers that it has written before.
        Release(pair);
        return pair;
    }

    // Each has a value of its own, so that one disk is not taken for another.
    private static byte Value(byte first, int disk) => (byte)(first + disk);

    private static async Task WriteAsync(MigrationSide side, byte first, CancellationToken ct)
    {
        foreach (var (number, disk) in Disks.Index())
        {
            await side.HumanAsync(string.Create(CultureInfo.InvariantCulture, $"qemu-io {disk} \"write -P {Value(first, number)} 0 {VmSnapshot.DiskBytes}\""), ct);
        }
    }

    private async Task ShouldHaveAsync(MigrationSide side, byte first, string why, CancellationToken ct)
    {
        foreach (var (number, disk) in Disks.Index())
        {
            var content = await ReadAsync(side, disk, ct);
            content.Distinct().ShouldBe([Value(first, number)], $"{disk} has {why}");
        }
    }

    // By a full backup into a file.
    private async Task<byte[]> ReadAsync(MigrationSide side, string disk, CancellationToken ct)
    {
        const string Copy = "copy";
        var file = Session.Scratch.CreateChild(Copy).File("raw");
        await System.IO.File.WriteAllBytesAsync(file, new byte[VmSnapshot.DiskBytes], ct);
        await side.ExecuteAsync("blockdev-add", new() { ["driver"] = "file", ["node-name"] = Copy, ["filename"] = file }, ct);
        (await QemuJob.RunAsync(side, "blockdev-backup", new() { ["device"] = disk, ["target"] = Copy, ["sync"] = "full", ["auto-dismiss"] = false }, ct)).ShouldBeNull("blockdev-backup");
        await side.ExecuteAsync("blockdev-del", new() { ["node-name"] = Copy }, ct);
        return await System.IO.File.ReadAllBytesAsync(file, ct);
    }

    // The disks that have a snapshot.
    private static async Task<IReadOnlyList<string>> HoldersAsync(MigrationSide side, CancellationToken ct) =>
    [
        .. (await side.ExecuteAsync("query-named-block-nodes", null, ct)).EnumerateArray()
            .Where(node => node.GetProperty("image").TryGetProperty("snapshots", out var snapshots) && snapshots.GetArrayLength() > 0)
            .Select(node => node.GetProperty("node-name").GetString()!)
            .Where(Disks.Contains).Order(StringComparer.Ordinal),
    ];
}
