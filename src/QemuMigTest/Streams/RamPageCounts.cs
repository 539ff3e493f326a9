namespace QemuMigTest.Streams;

/// <summary>Numbers of pages in a stream, by <see cref="PageKind"/>.</summary>
public sealed class RamPageCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<PageKind>().Length];

    /// <summary>How many there are of a kind.</summary>
    public long this[PageKind kind] => _counts[(int)kind];

    /// <summary>How many there are.</summary>
    public long Total => _counts.Sum();

    internal void Add(PageKind kind, long number = 1) => _counts[(int)kind] += number;
}
