using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

// Each side has a disk of its own, with the guest program on it, which QEMU locks.
public sealed partial class MigrationPair
{
    private const string DiskExtension = ".disk";

    /// <summary>Whether a side's QEMU may write to its disk: its block nodes are active. It opens the image for reading alone when it gives them up (7.2, 10.0, 11.1).</summary>
    public bool HoldsDisk(MigrationSide side) => OpenFile.Of(side.Process.Child.Id)
        .Any(file => file.IsWritable && file.Path.StartsWith(Scratch.Path, StringComparison.Ordinal) && file.Path.EndsWith(DiskExtension, StringComparison.Ordinal));

    private async Task<string> CreateDiskAsync(string side, CancellationToken ct)
    {
        var disk = Scratch.File(side + DiskExtension);
        await File.WriteAllBytesAsync(disk, StateProgram?.Image ?? Program.Image, ct);
        return disk;
    }
}
