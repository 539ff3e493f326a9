using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace QemuMigTest.Guests;

/// <summary>The bytes that the guest program makes of one page: counters and stamps.</summary>
internal sealed class PageLayout
{
    public const int PageSize = GuestProgramSettings.PageSize;

    /// <summary>Bytes at the start of each page that is dirtied.</summary>
    public const int CounterBytes = 256;

    private const int DwordsPerPage = PageSize / sizeof(uint);

    // The stamps of a page at address A are (_mask & A) | _offsets: A has no bits below the page's size.
    private readonly uint[] _offsets = new uint[DwordsPerPage];
    private readonly uint[] _mask = new uint[DwordsPerPage];
    private readonly uint _stampSpacing;

    public PageLayout(uint stampSpacing)
    {
        _stampSpacing = stampSpacing;
        for (uint offset = 0; offset < PageSize; offset += stampSpacing)
        {
            _offsets[offset / sizeof(uint)] = offset;
            _mask[offset / sizeof(uint)] = uint.MaxValue;
        }
    }

    /// <summary>The counters of a page after so many passes, modulo 2^32.</summary>
    public static void FillCounters(Span<byte> counters, uint passes)
    {
        for (var i = 0; i < counters.Length; i++)
            counters[i] = (byte)((passes + 255 - (uint)i) >> 8);
    }

    /// <summary>The passes, modulo 65536, that counters are of; null when they are of none.</summary>
    public static ushort? PassesOf(ReadOnlySpan<byte> counters)
    {
        // The last counter is the passes divided by 256; those that this round has reached are one more.
        var rounds = counters[^1];
        var reached = counters.IndexOf(rounds);
        var passes = (ushort)((rounds << 8) + reached);
        Span<byte> expected = stackalloc byte[CounterBytes];
        FillCounters(expected, passes);
        return counters.SequenceEqual(expected) ? passes : null;
    }

    /// <summary>How many passes, from 1 to 255, have not counted in one stretch, while those after it did; 0 when it looks otherwise.</summary>
    public static int MissingPasses(ReadOnlySpan<byte> seen, ReadOnlySpan<byte> expected)
    {
        var (missing, stretches) = (0, 0);
        for (var i = 0; i < CounterBytes; i++)
        {
            var lack = (byte)(expected[i] - seen[i]);
            if (lack > 1)
                return 0;
            missing += lack;
            var before = (i + CounterBytes - 1) % CounterBytes;
            stretches += lack == 1 && expected[before] == seen[before] ? 1 : 0;
        }
        return stretches == 1 ? missing : 0;
    }

    /// <summary>Writes the stamps of the page at an address, from one of its offsets on.</summary>
    public void FillStamps(Span<byte> page, uint address, int from)
    {
        if (!IsStamped(address))
        {
            page[from..].Clear();
            return;
        }

        for (var offset = from; offset < PageSize; offset += sizeof(uint))
        {
            var i = offset / sizeof(uint);
            BinaryPrimitives.WriteUInt32LittleEndian(page[offset..], (_mask[i] & address) | _offsets[i]);
        }
    }

    /// <summary>Whether a page has the stamps of the page at an address, from offset 0 or <see cref="CounterBytes"/> on.</summary>
    // A first check calls it 25,000 times before the runtime would optimise it, and took 100 ms instead of 20.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool HasStamps(ReadOnlySpan<byte> page, uint address, int from)
    {
        if (!IsStamped(address))
        {
            return !page[from..].ContainsAnyExcept((byte)0);
        }

        var seen = MemoryMarshal.Cast<byte, uint>(page)[..DwordsPerPage];
        var addresses = new Vector<uint>(address);
        var difference = Vector<uint>.Zero;
        for (var i = from / sizeof(uint); i < DwordsPerPage; i += Vector<uint>.Count)
        {
            var expected = (new Vector<uint>(_mask, i) & addresses) | new Vector<uint>(_offsets, i);
            difference |= new Vector<uint>(seen[i..]) ^ expected;
        }
        return difference == Vector<uint>.Zero;
    }

    private bool IsStamped(uint address) => address % _stampSpacing == 0;
}
