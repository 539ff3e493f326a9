using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot of a whole VM in a qcow2 image, which QEMU saves and loads by jobs (snapshot-save and snapshot-load, since 6.0).</summary>
/// <param name="side">The QEMU that has the image.</param>
/// <param name="disks">The nodes that are saved and loaded with it, in that order.</param>
internal sealed class VmSnapshot(MigrationSide side, params IReadOnlyList<string> disks)
{
    /// <summary>The size of each disk, bytes.</summary>
    public const int DiskBytes = 1 << 20;

    private const string Node = "snapshots";
    private const string Tag = "then";

    /// <summary>Makes an image for it, and the arguments by which a QEMU has it.</summary>
    /// <param name="image">The image's path; nothing is there yet.</param>
    /// <param name="ct">Ends it.</param>
    public static Task<QemuCommandLine> CreateAsync(string image, CancellationToken ct) => AddDiskAsync(new(), Node, image, ct);

    /// <summary>The same, in an image to which the first of the VM's state cannot be written.</summary>
    /// <inheritdoc cref="CreateAsync" path="/param"/>
    public static async Task<QemuCommandLine> CreateFailingAsync(string image, CancellationToken ct)
    {
        await System.IO.File.WriteAllBytesAsync(image, Qcow2Image.Empty(DiskBytes), ct);
        return Over(File(new(), Node, image)
            .With("-blockdev", $"driver=blkdebug,node-name={Node}-failing,image={Node}-file,inject-error.0.event=vmstate_save,inject-error.0.errno={(int)Errno.EIO},inject-error.0.once=on"), Node, "failing");
    }

    /// <summary>Makes another image, of a disk that is saved with the VM.</summary>
    /// <param name="arguments">The arguments so far.</param>
    /// <param name="node">The name of its node.</param>
    /// <param name="image">The image's path; nothing is there yet.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<QemuCommandLine> AddDiskAsync(QemuCommandLine arguments, string node, string image, CancellationToken ct)
    {
        await System.IO.File.WriteAllBytesAsync(image, Qcow2Image.Empty(DiskBytes), ct);
        return Over(File(arguments, node, image), node, "file");
    }

    private static QemuCommandLine File(QemuCommandLine arguments, string node, string image) =>
        arguments.With("-blockdev", $"driver=file,node-name={node}-file,auto-read-only=on,filename={QemuCommandLine.InList(image)}");

    private static QemuCommandLine Over(QemuCommandLine arguments, string node, string below) => arguments.With("-blockdev", $"driver=qcow2,node-name={node},file={node}-{below}");

    /// <summary>Saves the VM. It runs when this returns if it ran before.</summary>
    /// <returns>Why QEMU could not, or null.</returns>
    public Task<string?> SaveAsync(CancellationToken ct) => RunAsync("snapshot-save", ct);

    /// <summary>Loads what was saved. The VM runs when this returns if it ran before.</summary>
    public async Task LoadAsync(CancellationToken ct) => (await TryLoadAsync(ct)).ShouldBeNull("snapshot-load of what snapshot-save has saved");

    /// <summary>The same, where it may be refused.</summary>
    /// <returns>Why QEMU could not, or null.</returns>
    public Task<string?> TryLoadAsync(CancellationToken ct) => RunAsync("snapshot-load", ct);

    /// <summary>Removes it from all disks, and from the image.</summary>
    public async Task DeleteAsync(CancellationToken ct) => (await QemuJob.RunAsync(side, "snapshot-delete", Devices(), ct)).ShouldBeNull("snapshot-delete");

    private Task<string?> RunAsync(string command, CancellationToken ct)
    {
        var arguments = Devices();
        arguments["vmstate"] = Node;
        return QemuJob.RunAsync(side, command, arguments, ct);
    }

    private JsonObject Devices() => new() { ["tag"] = Tag, ["devices"] = new JsonArray([Node, .. disks]) };
}
