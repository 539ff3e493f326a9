namespace QemuMigTest.Conformance.Memory;

/// <summary>Pages of each kind that a device changes after a moment at which all is saved: what is loaded must have them as they were at that moment.</summary>
internal sealed class ChangedPages
{
    private const int PageSize = 4096;
    private const uint MiB = 1 << 20;
    private readonly MigrationPair _pair;
    private readonly DevicePages _pages;
    private readonly Dictionary<uint, byte[]> _then = [];
    private readonly Dictionary<uint, byte[]> _since = [];

    /// <summary>Writes those of them that are not zero at the moment.</summary>
    /// <param name="pair">The pair, which is told of all that is written.</param>
    public ChangedPages(MigrationPair pair)
    {
        _pair = pair;
        _pages = new(pair);
        _then[Cleared] = _pages.Fill(Cleared, "before all is saved");
        _then[Rewritten] = _pages.Fill(Rewritten, "before all is saved");
        foreach (var page in (uint[])[BetweenTwo - PageSize, BetweenTwo + PageSize])
        {
            _since[page] = _then[page] = _pages.Fill(page, "before all is saved");
        }

        foreach (var page in Untouched)
        {
            _then[page] = new byte[PageSize];
        }
    }

    // Each in a huge page of its own, which the host has given to the guest or has not.
    private uint Rewritten => At(3);

    private uint Cleared => At(5);

    // One zero page alone, where a list of pages has no range of them.
    private uint BetweenTwo => At(4) + PageSize;

    // Before the others, so that they are not the last of a block that are zero; right behind them; and in a block that is zero as a whole, where RAM is in several.
    private uint[] Untouched => [At(1), BetweenTwo, At(7), At(20)];

    /// <summary>Changes all of them: the moment is over.</summary>
    /// <param name="when">When that is, for the report of damage.</param>
    public void Change(string when)
    {
        foreach (var page in (uint[])[.. Untouched, Rewritten])
        {
            _since[page] = _pages.Fill(page, when);
        }

        _pages.Clear(Cleared, when);
        _since[Cleared] = new byte[PageSize];
    }

    /// <summary>What was saved was loaded where the guest is: the oracles want them as they were.</summary>
    public void ExpectAsThen()
    {
        foreach (var (page, content) in _then)
        {
            _pair.Expect(page, content, "before all was saved");
        }
    }

    /// <summary>Each is as it was at the moment.</summary>
    /// <param name="side">Where what was saved has been loaded.</param>
    public void ShouldBeAsThen(MigrationSide side)
    {
        if (Damage(side) is [_, ..] damage)
        {
            Assert.Fail(string.Join('\n', damage));
        }
    }

    /// <summary>Those that are not as they were at the moment, each with what it is.</summary>
    /// <param name="side">Where what was saved has been loaded.</param>
    public IReadOnlyList<string> Damage(MigrationSide side) => [.. _then.OrderBy(page => page.Key).Select(page => Describe(side, page.Key, page.Value)).OfType<string>()];

    private string? Describe(MigrationSide side, uint page, byte[] then)
    {
        var seen = side.Process.QTest!.Read(page, PageSize);
        return seen.AsSpan().SequenceEqual(then) ? null
            : $"{side.Name}: the page at 0x{page:x}, {(then.AsSpan().ContainsAnyExcept((byte)0) ? "full of noise" : "zero, and nobody had written to it,")} when all was saved, "
                + (seen.AsSpan().SequenceEqual(_since[page]) ? "has what was written to it after that" : seen.AsSpan().ContainsAnyExcept((byte)0) ? "is of neither time" : "is zero");
    }

    private uint At(uint mebibytes) => _pair.Program.Settings.RegionEnd + (mebibytes * MiB);
}
