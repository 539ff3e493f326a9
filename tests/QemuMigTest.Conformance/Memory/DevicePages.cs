using System.Security.Cryptography;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Pages that the guest leaves alone and devices write to.</summary>
/// <param name="pair">The pair.</param>
internal sealed class DevicePages(MigrationPair pair)
{
    /// <summary>The first of those in low memory, which a migration sends first; up to 0x8f000 all are free.</summary>
    public const uint Low = 0x5_0000;

    private const int PageSize = 4096;
    private const int Written = 700;
    private const int From = 1300;
    private const int Across = 16;
    private readonly Dictionary<uint, byte[]> _contents = [];

    /// <summary>The page that is so far behind the region that nobody else uses it.</summary>
    public uint High => pair.Program.Settings.RegionEnd + (16 * PageSize);

    /// <summary>Fills a page with noise, on the side that has the guest.</summary>
    /// <returns>The whole page.</returns>
    public byte[] Fill(uint page, string when) => Write(page, .., RandomNumberGenerator.GetBytes(PageSize), when);

    /// <summary>Three pages, at some distance from <see cref="High"/>.</summary>
    public uint NearlyZero => High + (3000 * PageSize);

    /// <summary>Writes one byte of a page.</summary>
    public void FillOnly(uint page, Index at, string when) => Write(page, at.GetOffset(PageSize)..(at.GetOffset(PageSize) + 1), [0x5a], when);

    /// <summary>Writes to the middle of a page; its beginning and its end stay.</summary>
    /// <returns>The whole page.</returns>
    public byte[] FillMiddle(uint page, string when) => Write(page, From..(From + Written), RandomNumberGenerator.GetBytes(Written), when);

    /// <summary>Writes the last bytes of a page and the first of the next at once, as a device does that knows no pages.</summary>
    public void FillAcross(uint page, string when)
    {
        var bytes = RandomNumberGenerator.GetBytes(2 * Across);
        pair.Holder.Process.QTest!.Write(page + PageSize - Across, bytes);
        Note(page, ^Across.., bytes.AsSpan(..Across), when);
        Note(page + PageSize, ..Across, bytes.AsSpan(Across..), when);
    }

    /// <summary>Fills a page with what is given.</summary>
    public void Put(uint page, byte[] content, string when) => Write(page, .., content, when);

    /// <summary>Makes a page zero.</summary>
    public void Clear(uint page, string when) => Write(page, .., new byte[PageSize], when);

    /// <summary>The same for many pages, one behind the other.</summary>
    public void FillMany(uint first, int pages, string when) => Many(first, pages, page => Fill(page, when));

    /// <summary>The same for every other one of many pages.</summary>
    public void FillEveryOther(uint first, int pages, string when) => Many(first, pages, page => Fill(page, $"{when}, and not those beside it"), 2);

    /// <summary>Makes many pages zero, one behind the other.</summary>
    public void ClearMany(uint first, int pages, string when) => Many(first, pages, page => Clear(page, when));

    private static void Many(uint first, int pages, Action<uint> write, uint step = 1)
    {
        for (var page = first; page < first + (pages * PageSize); page += step * PageSize)
        {
            write(page);
        }
    }

    private byte[] Write(uint page, Range where, byte[] bytes, string when)
    {
        pair.Holder.Process.QTest!.Write(page + (ulong)where.GetOffsetAndLength(PageSize).Offset, bytes);
        return Note(page, where, bytes, when);
    }

    private byte[] Note(uint page, Range where, ReadOnlySpan<byte> bytes, string when)
    {
        var content = (byte[])_contents.GetValueOrDefault(page, new byte[PageSize]).Clone();
        bytes.CopyTo(content.AsSpan(where));
        _contents[page] = content;
        pair.Expect(page, content, $"by a device, {when}");
        return content;
    }
}
