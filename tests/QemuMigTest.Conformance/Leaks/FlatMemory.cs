using System.Globalization;

namespace QemuMigTest.Conformance.Leaks;

using File = System.IO.File;

/// <summary>The memory of a QEMU, noted after each of many rounds: it may go up and down, and must not go up on the whole.</summary>
/// <param name="side">The QEMU.</param>
/// <param name="tolerance">What it may grow by in a round, KiB.</param>
internal sealed class FlatMemory(MigrationSide side, double tolerance)
{
    private const int LargestSteps = 2;

    // KiB a round, the largest steps included.
    private const double MostOnTheWhole = 512;
    private readonly List<long> _kibibytes = [];

    /// <summary>Notes what it has now.</summary>
    public void Note() => _kibibytes.Add(Read(side.Process.Child.Id));

    /// <summary>What a round adds is within tolerance, on the mean of all but the two largest steps: the allocator takes a larger piece now and then. With them, the least of the last rounds is not far above the most of the first.</summary>
    /// <exception cref="QemuMigTestException">It is not.</exception>
    public void ShouldBeFlat()
    {
        var steps = _kibibytes.Zip(_kibibytes.Skip(1), (before, after) => after - before).Order().SkipLast(LargestSteps).ToList();
        var third = _kibibytes.Count / 3;
        var grown = _kibibytes[^third..].Min() - _kibibytes[..third].Max();
        if (steps.Average() > tolerance || grown > MostOnTheWhole * (_kibibytes.Count - third))
        {
            throw new QemuMigTestException($"{side.Name}: its memory grows from round to round (RssAnon, KiB): {string.Join(", ", _kibibytes)}");
        }
    }

    // RssAnon, all of the guest's RAM included, which is the same in each round.
    private static long Read(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
