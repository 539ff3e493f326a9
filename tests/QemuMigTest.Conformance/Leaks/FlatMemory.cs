using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>The memory of a QEMU but the guest's RAM, noted after each of many rounds: it may go up and down, and must not go up on the whole.</summary>
/// <param name="side">The QEMU.</param>
/// <param name="tolerance">What it may grow by in a round, KiB.</param>
internal sealed class FlatMemory(QemuProcess side, double tolerance)
{
    private const int LargestSteps = 2;

    // KiB a round, the largest steps included.
    private const double MostOnTheWhole = 512;
    private readonly List<long> _before = [];
    private readonly List<long> _kibibytes = [];

    /// <summary>Notes what it has now.</summary>
    /// <exception cref="QemuMigTestException">The QEMU has ended.</exception>
    public void Note() => _kibibytes.Add(MemoryUse.ReadBelow(side.Child.Id, MigrationPair.GuestMemoryBytes)
        ?? throw new QemuMigTestException($"{side.Name}: its QEMU has ended; {side.LastSeen()}"));

    /// <summary>What a round adds is within tolerance, on the mean of all but the two largest steps: the allocator takes a larger piece now and then. With them, the least of the last rounds is not far above the most of the first.</summary>
    public bool IsFlat
    {
        get
        {
            var steps = _kibibytes.Zip(_kibibytes.Skip(1), (before, after) => after - before).Order().SkipLast(LargestSteps).ToList();
            var third = _kibibytes.Count / 3;
            var grown = _kibibytes[^third..].Min() - _kibibytes[..third].Max();
            return steps.Average() <= tolerance && grown <= MostOnTheWhole * (_kibibytes.Count - third);
        }
    }

    /// <summary>Judges by what is noted from now on; what was noted before is told as well.</summary>
    public void BeginAnew()
    {
        _before.AddRange(_kibibytes);
        _kibibytes.Clear();
    }

    /// <exception cref="QemuMigTestException">It is not flat.</exception>
    public void ShouldBeFlat()
    {
        if (!IsFlat)
        {
            throw new QemuMigTestException($"{side.Name}: its memory grows from round to round (anonymous, without the guest's RAM and its translated code, KiB): {string.Join(", ", _before.Concat(_kibibytes))}");
        }
    }
}
