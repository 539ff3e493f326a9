using System.Collections.Immutable;

namespace QemuMigTest.Guests;

/// <summary>What every byte of the test region must be, given how far the guest is.</summary>
/// <remarks>
/// The guest starts in memory that is all zero. Immutable; one model serves both sides of a migration, and any number of checks at once.
/// </remarks>
public sealed class GuestMemoryModel
{
    private const int PageSize = PageLayout.PageSize;

    private readonly GuestProgramSettings _settings;
    private readonly PageLayout _layout;
    private readonly ImmutableSortedDictionary<uint, ImmutableList<WrittenBytes>> _written;
    private readonly OutsideMemoryModel _outside;

    /// <summary>A model of the memory of a program.</summary>
    public GuestMemoryModel(GuestProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        _settings = program.Settings;
        _layout = new PageLayout(_settings.StampSpacing);
        _written = ImmutableSortedDictionary<uint, ImmutableList<WrittenBytes>>.Empty;
        _outside = new OutsideMemoryModel(program);
    }

    private GuestMemoryModel(GuestMemoryModel model, ImmutableSortedDictionary<uint, ImmutableList<WrittenBytes>> written, OutsideMemoryModel outside)
    {
        _settings = model._settings;
        _layout = model._layout;
        _written = written;
        _outside = outside;
    }

    /// <summary>The model after the framework has written bytes of its own to the region, beside the guest's counters.</summary>
    /// <remarks>It stays there when the guest is put to sleep and woken. A machine that is reset otherwise needs a new model.</remarks>
    /// <param name="address">A guest-physical address in the region.</param>
    /// <param name="bytes">What was written there; it may go over several pages.</param>
    /// <param name="when">When that was: <c>before migration 2</c>.</param>
    /// <exception cref="ArgumentException">The bytes are not all in the region, or some are counters (bytes 0 to 255 of a page that
    /// the guest dirties), which the guest changes itself.</exception>
    public GuestMemoryModel WithWritten(ulong address, ReadOnlyMemory<byte> bytes, string when = "")
    {
        if (address < _settings.RegionStart || address > _settings.RegionEnd || (ulong)bytes.Length > _settings.RegionEnd - address)
        {
            throw new ArgumentException(
                $"{bytes.Length} bytes at 0x{address:x} are not in the region, 0x{_settings.RegionStart:x} to 0x{_settings.RegionEnd:x}.",
                nameof(address));
        }

        var written = _written;
        for (var done = 0; done < bytes.Length;)
        {
            var at = (uint)address + (uint)done;
            var page = at & ~(uint)(PageSize - 1);
            var offset = (int)(at - page);
            if (offset < CountersOf(page))
            {
                throw new ArgumentException(
                    $"0x{at:x} is a counter of the guest's: in the page at 0x{page:x} bytes are free from offset 256 on.", nameof(address));
            }
            var length = Math.Min(bytes.Length - done, PageSize - offset);
            var earlier = written.GetValueOrDefault(page) ?? [];
            written = written.SetItem(page, earlier.Add(new WrittenBytes(offset, bytes.Slice(done, length).ToArray(), $"by the framework {when}".TrimEnd())));
            done += length;
        }
        return new GuestMemoryModel(this, written, _outside);
    }

    /// <summary>The model after somebody else has written a whole page outside the region, which the guest leaves alone.</summary>
    /// <param name="page">Its guest-physical address, a multiple of 4096.</param>
    /// <param name="content">4096 bytes.</param>
    /// <param name="by">By whom, and when: <c>by the framework before migration 2</c>.</param>
    /// <exception cref="ArgumentException">It is no page, or the guest writes there.</exception>
    public GuestMemoryModel WithWrittenOutside(uint page, ReadOnlyMemory<byte> content, string by) => page < _settings.RegionStart || page >= _settings.RegionEnd
        ? new(this, _written, _outside.WithWritten(page, content, by))
        : throw new ArgumentException($"0x{page:x} is in the region, 0x{_settings.RegionStart:x} to 0x{_settings.RegionEnd:x}.", nameof(page));

    /// <summary>Where others than the guest have written, in the region and outside it: guest-physical addresses and bytes.</summary>
    internal IEnumerable<(uint Address, int Length)> Written =>
        _written.SelectMany(page => page.Value.Select(bytes => (page.Key + (uint)bytes.Offset, bytes.Bytes.Length))).Concat(_outside.Written.Select(page => (page, PageSize)));

    /// <summary>Memory outside the region of which every byte is known.</summary>
    internal OutsideMemoryModel Outside => _outside;

    /// <summary>Compares the whole region, every byte, with what the guest must have made of it.</summary>
    /// <param name="region">The region's bytes, of a guest that is stopped.</param>
    /// <param name="state">How far that guest is.</param>
    /// <exception cref="ArgumentException">The bytes are not as many as the region has, or the guest is not in its loop.</exception>
    public MemoryCheck Check(ReadOnlySpan<byte> region, GuestState state)
    {
        Validate(region.Length, state);
        var checker = StartCheck(state);
        checker.Add(_settings.RegionStart, region);
        return checker.End();
    }

    /// <summary>The same, where the region comes in pieces.</summary>
    /// <exception cref="ArgumentException">The guest is not in its loop.</exception>
    public RegionChecker StartCheck(GuestState state)
    {
        Validate(_settings.RegionSize, state);
        return new RegionChecker(this, state);
    }

    /// <summary>Writes what the whole region must be.</summary>
    /// <exception cref="ArgumentException">There is not as much room as the region has bytes, or the guest is not in its loop.</exception>
    public void FillExpected(Span<byte> region, GuestState state)
    {
        Validate(region.Length, state);
        for (var address = _settings.RegionStart; address < _settings.RegionEnd; address += PageSize)
            FillPage(region.Slice((int)(address - _settings.RegionStart), PageSize), address, state);
    }

    /// <summary>Bytes of a page that are counters: 256, or none where the guest does not dirty it.</summary>
    internal int CountersOf(uint page) => (page - _settings.RegionStart) % _settings.PageStride == 0 ? PageLayout.CounterBytes : 0;

    /// <summary>Whether a page, from its byte 256 on, is another's; with what the framework wrote there or without.</summary>
    internal bool LooksLike(ReadOnlySpan<byte> seen, uint page)
    {
        if (_layout.HasStamps(seen, page, PageLayout.CounterBytes))
            return true;
        if (!_written.ContainsKey(page))
            return false;
        Span<byte> expected = stackalloc byte[PageSize];
        _layout.FillStamps(expected, page, PageLayout.CounterBytes);
        Overlay(expected, page);
        return seen[PageLayout.CounterBytes..].SequenceEqual(expected[PageLayout.CounterBytes..]);
    }

    internal GuestProgramSettings Settings => _settings;

    /// <summary>Whether the framework wrote to a page.</summary>
    internal bool IsWritten(uint page) => _written.ContainsKey(page);

    /// <inheritdoc cref="PageLayout.HasStamps"/>
    internal bool HasStamps(ReadOnlySpan<byte> page, uint address, int from) => _layout.HasStamps(page, address, from);

    internal void FillPage(Span<byte> page, uint address, GuestState state)
    {
        FillPageUnwritten(page, address, state);
        Overlay(page, address);
    }

    /// <summary>The page as the guest makes it, without what the framework wrote to it.</summary>
    internal void FillPageUnwritten(Span<byte> page, uint address, GuestState state)
    {
        var counters = CountersOf(address);
        _layout.FillStamps(page, address, counters);
        PageLayout.FillCounters(page[..counters], state.PassesOf(address));
    }

    /// <summary>The page without the framework's last write to it; false when there was none before that.</summary>
    internal bool FillPageBeforeLastWrite(Span<byte> page, uint address, GuestState state)
    {
        if (_written.GetValueOrDefault(address) is not { Count: > 1 } writes)
            return false;
        FillPageUnwritten(page, address, state);
        Overlay(page, writes.RemoveAt(writes.Count - 1));
        return true;
    }

    /// <summary>Who wrote to a page last.</summary>
    internal string LastWritten(uint page, GuestState state)
    {
        var passes = CountersOf(page) > 0 ? state.PassesOf(page) : 0;
        var guest = passes > 0 ? $"in the guest's pass {passes}" : "when the guest prepared its memory";
        return _written.GetValueOrDefault(page) is [.., var last] ? $"{guest}, and {last.By}" : guest;
    }

    private void Overlay(Span<byte> page, uint address) => Overlay(page, _written.GetValueOrDefault(address) ?? []);

    private static void Overlay(Span<byte> page, IEnumerable<WrittenBytes> writes)
    {
        foreach (var written in writes)
            written.Bytes.CopyTo(page[written.Offset..]);
    }

    private void Validate(long length, GuestState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (length != _settings.RegionSize)
            throw new ArgumentException($"The region has {_settings.RegionSize} bytes, and {length} were given.");
        if (state.Phase != GuestPhase.Running)
            throw new ArgumentException($"The guest is {state}; what its memory must be is known only in its loop.", nameof(state));
        if (state.Page < _settings.RegionStart || state.Page >= _settings.RegionEnd || CountersOf(state.Page) == 0)
            throw new ArgumentException($"0x{state.Page:x} is no page that this guest dirties.", nameof(state));
    }

    private sealed record WrittenBytes(int Offset, byte[] Bytes, string By);
}
