namespace QemuMigTest.Guests;

/// <summary>Reads a range of a guest's memory; of use until the next is opened on that side.</summary>
public sealed class GuestMemoryReader
{
    private readonly PieceReader _read;

    internal GuestMemoryReader(ulong address, long length, PieceReader read)
    {
        Address = address;
        Length = length;
        _read = read;
    }

    internal delegate void PieceReader(long offset, Span<byte> piece);

    /// <summary>The guest-physical address of the first byte.</summary>
    public ulong Address { get; }

    /// <summary>How many bytes there are.</summary>
    public long Length { get; }

    /// <summary>Reads as many bytes as the buffer holds.</summary>
    /// <param name="offset">Where, from <see cref="Address"/> on.</param>
    /// <param name="buffer">Takes them.</param>
    /// <exception cref="GuestException">They cannot be read.</exception>
    public void Read(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffer.Length, Length - offset, nameof(buffer));
        _read(offset, buffer);
    }

    /// <summary>Looks at what is known of pages in the range.</summary>
    /// <returns>How many of them are in it.</returns>
    internal int Check(IEnumerable<KnownBytes> known, MemoryCheckBuilder found)
    {
        var pages = 0;
        var seen = new byte[GuestProgramSettings.PageSize];
        foreach (var bytes in known.Where(bytes => bytes.Page >= Address && bytes.Page < Address + (ulong)Length))
        {
            var part = seen.AsSpan(0, bytes.Expected.Length);
            Read(bytes.Page + bytes.Offset - (long)Address, part);
            pages++;
            if (bytes.Examine(part) is { } damage)
            {
                found.Add(damage);
            }
        }

        return pages;
    }
}
