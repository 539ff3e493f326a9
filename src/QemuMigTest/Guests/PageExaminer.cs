using System.Buffers.Binary;
using System.Numerics;

namespace QemuMigTest.Guests;

/// <summary>Tells what a damaged page looks like.</summary>
internal static class PageExaminer
{
    private const int PageSize = PageLayout.PageSize;
    private const int MostFlippedBits = 8;
    private const int ShownBytes = 16;

    public static PageDamage Examine(GuestMemoryModel model, ReadOnlySpan<byte> seen, uint address, GuestState state)
    {
        Span<byte> expected = stackalloc byte[PageSize];
        model.FillPage(expected, address, state);
        var found = Compare(expected, seen, address);
        var (kind, passes, other) = Classify(model, expected, seen, address, state, found.BitCount);
        return found with { Kind = kind, Passes = passes, OtherAddress = other, LastWritten = model.LastWritten(address, state) };
    }

    /// <summary>Where two pages, or the same part of both, differ; of kind bit flip or other.</summary>
    /// <param name="expected">As it must be.</param>
    /// <param name="seen">As it was seen: as many bytes, and some that differ.</param>
    /// <param name="address">The guest-physical address of the page.</param>
    /// <param name="offset">Where in the page they start.</param>
    public static PageDamage Compare(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, uint address, int offset = 0)
    {
        int first = -1, last = -1, bytes = 0, bits = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            if (seen[i] == expected[i])
                continue;
            first = first < 0 ? i : first;
            last = i;
            bytes++;
            bits += BitOperations.PopCount((uint)(seen[i] ^ expected[i]));
        }

        var shown = Math.Min(last - first + 1, ShownBytes);
        return new PageDamage
        {
            Address = address,
            FirstOffset = offset + first,
            LastOffset = offset + last,
            ByteCount = bytes,
            BitCount = bits,
            Kind = bits <= MostFlippedBits ? DamageKind.BitFlip : DamageKind.Other,
            Expected = expected.Slice(first, shown).ToArray(),
            Seen = seen.Slice(first, shown).ToArray(),
        };
    }

    private static (DamageKind Kind, int Passes, uint? Other) Classify(
        GuestMemoryModel model, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, uint address, GuestState state, int flippedBits)
    {
        if (!seen.ContainsAnyExcept((byte)0))
            return (DamageKind.Zeros, 0, null);

        Span<byte> unwritten = stackalloc byte[PageSize];
        model.FillPageUnwritten(unwritten, address, state);
        if (seen.SequenceEqual(unwritten))
            return (DamageKind.LostWrite, 0, null);

        Span<byte> earlier = stackalloc byte[PageSize];
        if (model.FillPageBeforeLastWrite(earlier, address, state) && seen.SequenceEqual(earlier))
            return (DamageKind.EarlierContent, 0, null);

        // Before bits are counted: one pass more or less is a single bit as often as not.
        if (model.CountersOf(address) > 0 && model.LooksLike(seen, address))
        {
            if (PageLayout.PassesOf(seen[..PageLayout.CounterBytes]) is { } passes)
            {
                var total = state.PassesOf(address);
                var behind = (ushort)(total - passes);
                var ahead = (ushort)-behind;
                return behind <= ahead && behind <= total
                    ? (DamageKind.StalePass, behind, null)
                    : (DamageKind.AheadOfPass, ahead, null);
            }

            if (PageLayout.MissingPasses(seen, expected) is > 0 and var missing)
                return (DamageKind.MissingPasses, missing, null);
        }

        var other = BinaryPrimitives.ReadUInt32LittleEndian(seen[PageLayout.CounterBytes..]) - PageLayout.CounterBytes;
        if (other != address && other % PageSize == 0 && model.LooksLike(seen, other))
            return (DamageKind.OtherPage, 0, other);

        return flippedBits <= MostFlippedBits ? (DamageKind.BitFlip, 0, null) : (DamageKind.Other, 0, null);
    }
}
