using System.Buffers.Binary;
using System.Numerics;

namespace QemuMigTest.Guests;

/// <summary>Tells what a damaged page looks like.</summary>
internal static class PageExaminer
{
    private const int _pageSize = PageLayout.PageSize;
    private const int _mostFlippedBits = 8;
    private const int _shownBytes = 16;

    public static PageDamage Examine(GuestMemoryModel model, ReadOnlySpan<byte> seen, uint address, GuestState state)
    {
        Span<byte> expected = stackalloc byte[_pageSize];
        model.FillPage(expected, address, state);
        int first = -1, last = -1, bytes = 0, bits = 0;
        for (var i = 0; i < _pageSize; i++)
        {
            if (seen[i] == expected[i])
                continue;
            first = first < 0 ? i : first;
            last = i;
            bytes++;
            bits += BitOperations.PopCount((uint)(seen[i] ^ expected[i]));
        }

        var (kind, passes, other) = Classify(model, seen, address, state, bits);
        var shown = Math.Min(Math.Min(last - first + 1, _shownBytes), _pageSize - first);
        return new PageDamage
        {
            Address = address,
            FirstOffset = first,
            LastOffset = last,
            ByteCount = bytes,
            BitCount = bits,
            Kind = kind,
            Passes = passes,
            OtherAddress = other,
            Expected = expected.Slice(first, shown).ToArray(),
            Seen = seen.Slice(first, shown).ToArray(),
        };
    }

    private static (DamageKind Kind, int Passes, uint? Other) Classify(
        GuestMemoryModel model, ReadOnlySpan<byte> seen, uint address, GuestState state, int flippedBits)
    {
        if (!seen.ContainsAnyExcept((byte)0))
            return (DamageKind.Zeros, 0, null);

        Span<byte> unwritten = stackalloc byte[_pageSize];
        model.FillPageUnwritten(unwritten, address, state);
        if (seen.SequenceEqual(unwritten))
            return (DamageKind.LostWrite, 0, null);

        // Before bits are counted: one pass more or less is a single bit as often as not.
        if (model.CountersOf(address) > 0
            && model.LooksLike(seen, address)
            && PageLayout.PassesOf(seen[..PageLayout.CounterBytes]) is { } passes)
        {
            var total = state.PassesOf(address);
            var behind = (ushort)(total - passes);
            var ahead = (ushort)-behind;
            return behind <= ahead && behind <= total
                ? (DamageKind.StalePass, behind, null)
                : (DamageKind.AheadOfPass, ahead, null);
        }

        var other = BinaryPrimitives.ReadUInt32LittleEndian(seen[PageLayout.CounterBytes..]) - PageLayout.CounterBytes;
        if (other != address && other % _pageSize == 0 && model.LooksLike(seen, other))
            return (DamageKind.OtherPage, 0, other);

        return flippedBits <= _mostFlippedBits ? (DamageKind.BitFlip, 0, null) : (DamageKind.Other, 0, null);
    }
}
