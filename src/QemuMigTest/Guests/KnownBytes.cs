namespace QemuMigTest.Guests;

/// <summary>Bytes of a page outside the region, all of them known.</summary>
/// <param name="Page">The guest-physical address of the page.</param>
/// <param name="Offset">Where in it they start.</param>
/// <param name="Expected">The bytes.</param>
/// <param name="LastWritten">Who wrote them last, and when.</param>
/// <param name="Earlier">What they were before that, the latest first.</param>
internal sealed record KnownBytes(uint Page, int Offset, ReadOnlyMemory<byte> Expected, string LastWritten, IReadOnlyList<ReadOnlyMemory<byte>> Earlier)
{
    /// <summary>What is wrong with them as they were seen, or null.</summary>
    public PageDamage? Examine(ReadOnlySpan<byte> seen)
    {
        if (seen.SequenceEqual(Expected.Span))
            return null;
        var damage = PageExaminer.Compare(Expected.Span, seen, Page, Offset) with { LastWritten = LastWritten };
        if (!seen.ContainsAnyExcept((byte)0))
            return damage with { Kind = DamageKind.Zeros };
        foreach (var earlier in Earlier)
        {
            if (seen.SequenceEqual(earlier.Span))
                return damage with { Kind = DamageKind.EarlierContent };
        }

        return damage;
    }
}
