namespace QemuMigTest.Guests;

/// <summary>Compares the region, piece by piece, with what the guest must have made of it: see <see cref="GuestMemoryModel.StartCheck"/>.</summary>
public sealed class RegionChecker
{
    private const int PageSize = PageLayout.PageSize;

    private readonly GuestMemoryModel _model;
    private readonly GuestState _state;
    private readonly GuestProgramSettings _settings;
    private readonly MemoryCheckBuilder _found;
    private readonly byte[] _done = new byte[PageLayout.CounterBytes];
    private readonly byte[] _toDo = new byte[PageLayout.CounterBytes];
    private readonly byte[] _expected = new byte[PageSize];
    private uint _next;

    internal RegionChecker(GuestMemoryModel model, GuestState state)
    {
        _model = model;
        _state = state;
        _settings = model.Settings;
        _next = _settings.RegionStart;
        _found = new MemoryCheckBuilder(_settings.PageStride);
        PageLayout.FillCounters(_done, state.Pass + 1);
        PageLayout.FillCounters(_toDo, state.Pass);
    }

    /// <summary>Compares the next pages of the region.</summary>
    /// <param name="address">The guest-physical address behind the piece before; the region's start for the first.</param>
    /// <param name="piece">Whole pages.</param>
    /// <exception cref="ArgumentException">It is not the next piece, no whole pages, or more than the region has.</exception>
    public void Add(ulong address, ReadOnlySpan<byte> piece)
    {
        if (address != _next || piece.Length % PageSize != 0 || (uint)piece.Length > _settings.RegionEnd - _next)
        {
            throw new ArgumentException($"{piece.Length} bytes at 0x{address:x} are not the next whole pages of the region, from 0x{_next:x} to 0x{_settings.RegionEnd:x}.");
        }

        for (; piece.Length > 0; piece = piece[PageSize..], _next += PageSize)
        {
            if (!IsAsExpected(piece[..PageSize]))
            {
                _found.Add(PageExaminer.Examine(_model, piece[..PageSize], _next, _state));
            }
        }
    }

    /// <summary>What came of it.</summary>
    /// <exception cref="InvalidOperationException">A part of the region was not compared.</exception>
    public MemoryCheck End() => _next == _settings.RegionEnd
        ? _found.Build(_state, _settings.RegionStart, (int)(_settings.RegionSize / PageSize))
        : throw new InvalidOperationException($"The region was compared to 0x{_next:x}, and ends at 0x{_settings.RegionEnd:x}.");

    private bool IsAsExpected(ReadOnlySpan<byte> page)
    {
        if (_model.IsWritten(_next))
        {
            _model.FillPage(_expected, _next, _state);
            return page.SequenceEqual(_expected);
        }

        var counters = _model.CountersOf(_next);
        var passed = _state.PassesOf(_next) == _state.Pass ? _toDo : _done;
        return _model.HasStamps(page, _next, counters) && page[..counters].SequenceEqual(passed.AsSpan(0, counters));
    }
}
