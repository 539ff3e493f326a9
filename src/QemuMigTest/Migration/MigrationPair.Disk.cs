using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

// Each side has a disk of its own, with the guest program on it, which QEMU locks. A test may add others, which both sides share.
public sealed partial class MigrationPair
{
    private const string DiskExtension = ".disk";

    /// <summary>The images that a side's QEMU was started with and has open, and whether it may write to each: its block nodes are active. It opens an image for reading alone when it gives them up (7.2, 10.0, 11.1), with -drive, and with -blockdev where that has auto-read-only.</summary>
    public static IReadOnlyDictionary<string, bool> DisksOf(MigrationSide side) => OpenFile.Of(side.Process.Child.Id).GroupBy(file => file.Path)
        .Where(image => side.Process.Options.CommandLine.Arguments.Any(argument => argument.Contains($"file={QemuCommandLine.InList(image.Key)}", StringComparison.Ordinal)
            || argument.Contains($"filename={QemuCommandLine.InList(image.Key)}", StringComparison.Ordinal)))
        .ToDictionary(image => image.Key, image => image.Any(file => file.IsWritable));

    /// <summary>Whether a side's QEMU may write to all of its disks.</summary>
    public static bool HoldsDisks(MigrationSide side) => DisksOf(side) is { Count: > 0 } disks && disks.Values.All(writable => writable);

    private async Task<string> CreateDiskAsync(string side, CancellationToken ct)
    {
        var disk = Scratch.File(side + DiskExtension);
        await File.WriteAllBytesAsync(disk, StateProgram?.Image ?? Program.Image, ct);
        return disk;
    }
}
