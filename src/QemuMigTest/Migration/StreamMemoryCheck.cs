using Microsoft.Win32.SafeHandles;
using QemuMigTest.Streams;

namespace QemuMigTest.Migration;

/// <summary>Whether the RAM in a migration stream is the RAM of a guest.</summary>
public static class StreamMemoryCheck
{
    /// <summary>The block that is the guest's memory, where the machine makes it.</summary>
    public const string GuestRam = "pc.ram";

    // Between them a PC shows its VGA window and copies of its ROMs, not this RAM.
    private const long LowEnd = 0xa_0000;
    private const long HighStart = 0x10_0000;
    private const long HighestEnd = 0x8000_0000;

    /// <summary>Reads a stream, checks it, and compares each page of the guest's memory in it with that of a side whose guest stands still.</summary>
    /// <param name="path">The file, plain or of capability mapped-ram.</param>
    /// <param name="offset">Where in it the stream starts, bytes.</param>
    /// <param name="side">The source when it has sent the stream, or the destination before its guest runs.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>The stream.</returns>
    /// <exception cref="StreamFormatException">It is no stream, or a damaged one.</exception>
    /// <exception cref="QemuMigTestException">A page is missing or differs: how many, and the first with its address.</exception>
    public static async Task<MigrationStream> VerifyAsync(string path, long offset, MigrationSide side, CancellationToken ct)
    {
        var ram = new StreamRam();
        var stream = MigrationStream.Read(path, offset, ram, ct);
        var length = stream.Blocks.FirstOrDefault(block => block.Name == GuestRam)?.Length
            ?? throw new QemuMigTestException($"{path}: there is no block '{GuestRam}' in the stream; there are: {string.Join(", ", stream.Blocks.Select(block => block.Name))}.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, HighestEnd, GuestRam);
        using var file = File.OpenHandle(path);
        var differences = new List<string>();
        foreach (var (start, end) in new[] { (0, Math.Min(LowEnd, length)), (HighStart, length) }.Where(range => range.Item1 < range.Item2))
        {
            await side.Memory.ReadAsync((ulong)start, end - start, (address, guest) => differences.AddRange(Compare(file, ram, (long)address, guest, stream.PageSize)), ct);
        }

        return differences is [var first, ..]
            ? throw new QemuMigTestException($"{path}: {differences.Count} pages of '{GuestRam}' in the stream are not as in the {side.Name}; the first: {first}")
            : stream;
    }

    private static List<string> Compare(SafeFileHandle file, StreamRam ram, long start, ReadOnlySpan<byte> guest, int pageSize)
    {
        List<string> differences = [];
        var content = new byte[pageSize];
        for (var at = 0; at < guest.Length; at += pageSize)
        {
            var address = start + at;
            if (ram.Find(GuestRam, address) is not { } page)
            {
                differences.Add($"0x{address:x} is not in the stream.");
                continue;
            }

            Load(file, page, content);
            var expected = guest.Slice(at, pageSize);
            var same = expected.CommonPrefixLength(content);
            if (same < pageSize)
            {
                differences.Add($"0x{address:x}: byte {same} is 0x{content[same]:x2} in the stream (file offset 0x{page.Offset:x}, {page.Kind}), 0x{expected[same]:x2} in the guest.");
            }
        }

        return differences;
    }

    private static void Load(SafeFileHandle file, StreamPage page, byte[] content)
    {
        switch (page.Kind)
        {
            case PageKind.Zero:
                Array.Clear(content);
                break;
            case PageKind.Normal when RandomAccess.Read(file, content, page.Offset) == content.Length:
                break;
            default:
                throw new QemuMigTestException($"the page at 0x{page.Address:x} of '{page.Block.Name}', of kind {page.Kind}, cannot be made whole from the stream.");
        }
    }
}
