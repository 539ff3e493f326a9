using QemuMigTest.Guests;

namespace QemuMigTest.Tests.Guests;

/// <summary>Does what the guest program does, byte for byte and without thought.</summary>
internal sealed class NaiveGuest
{
    private readonly GuestProgramSettings _settings;
    private uint _passes;

    public NaiveGuest(GuestProgramSettings settings)
    {
        _settings = settings;
        Region = new byte[settings.RegionSize];
        for (var address = settings.RegionStart; address < settings.RegionEnd; address += settings.StampSpacing)
        {
            for (var i = 0; i < 4; i++)
                Region[address - settings.RegionStart + i] = (byte)(address >> (8 * i));
        }
        foreach (var page in Pages)
        {
            for (var i = 0; i < 256; i++)
                Region[page - settings.RegionStart + i] = 0;
        }
    }

    public byte[] Region { get; }

    public IEnumerable<uint> Pages
    {
        get
        {
            for (var page = _settings.RegionStart; page < _settings.RegionEnd; page += _settings.PageStride)
                yield return page;
        }
    }

    public void RunPasses(int count)
    {
        for (var i = 0; i < count; i++, _passes++)
        {
            for (var at = _passes & 0xff; at < Region.Length; at += _settings.PageStride)
                Region[at]++;
        }
    }

    /// <summary>Runs on to a page, and past its increment if so asked.</summary>
    public GuestState RunTo(uint page, bool incremented)
    {
        foreach (var before in Pages.Where(other => other < page || (other == page && incremented)))
            Region[before - _settings.RegionStart + (_passes & 0xff)]++;
        return new GuestState(GuestPhase.Running, _passes, page, incremented, 0);
    }
}
