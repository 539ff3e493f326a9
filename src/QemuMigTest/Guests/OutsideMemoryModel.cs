using System.Collections.Immutable;

namespace QemuMigTest.Guests;

/// <summary>What is known of memory outside the region: the program itself, the pages that it turns, those that the framework wrote. Immutable.</summary>
internal sealed class OutsideMemoryModel
{
    private const int PageSize = PageLayout.PageSize;
    private const int ProgramOffset = (int)(GuestProgram.LoadAddress % PageSize);
    private const uint ProgramPage = GuestProgram.LoadAddress - ProgramOffset;

    // A page that was dirtied is behind by few passes, as a rule; those of which more are kept are found by what they hold.
    private const uint TurnsRemembered = 16;

    private readonly GuestProgram _program;
    private readonly ImmutableSortedDictionary<uint, KnownBytes> _written;

    public OutsideMemoryModel(GuestProgram program) : this(program, ImmutableSortedDictionary<uint, KnownBytes>.Empty)
    {
    }

    private OutsideMemoryModel(GuestProgram program, ImmutableSortedDictionary<uint, KnownBytes> written)
    {
        _program = program;
        _written = written;
    }

    /// <summary>The pages that others than the guest have written.</summary>
    public IEnumerable<uint> Written => _written.Keys;

    public OutsideMemoryModel WithWritten(uint page, ReadOnlyMemory<byte> content, string by)
    {
        if (page % PageSize != 0 || content.Length != PageSize || page is ProgramPage or (>= TurningPages.Start and < TurningPages.End))
        {
            throw new ArgumentException($"{content.Length} bytes at 0x{page:x} are no page that the guest leaves alone.", nameof(page));
        }

        var earlier = _written.TryGetValue(page, out var before) ? [before.Expected, .. before.Earlier] : ImmutableArray<ReadOnlyMemory<byte>>.Empty;
        return new(_program, _written.SetItem(page, new KnownBytes(page, 0, content.ToArray(), by, earlier)));
    }

    /// <summary>All that is known, in the order of the addresses.</summary>
    public IEnumerable<KnownBytes> At(GuestState state) =>
        _written.Values.Append(new KnownBytes(ProgramPage, ProgramOffset, _program.Image, "by the BIOS, when it loaded the guest program", []))
            .Concat(Turning(state)).OrderBy(known => known.Page);

    private static IEnumerable<KnownBytes> Turning(GuestState state)
    {
        for (var page = TurningPages.Start; page < TurningPages.End; page += PageSize)
        {
            var turns = TurningPages.TurnsOf(page, state);
            var earlier = Enumerable.Range(1, (int)Math.Min(turns, TurnsRemembered)).Select(back => Turned(page, turns - (uint)back));
            yield return new KnownBytes(page, 0, Turned(page, turns), $"after the guest's pass {turns}", [.. earlier]);
        }
    }

    private static ReadOnlyMemory<byte> Turned(uint page, uint turns)
    {
        var bytes = new byte[PageSize];
        TurningPages.FillTurned(bytes, page, turns);
        return bytes;
    }
}
