using QemuMigTest.Guests;

namespace QemuMigTest.Tests.Guests;

/// <summary>A small guest somewhere in its loop, all of it drawn from one number.</summary>
internal sealed class GuestCase
{
    private static readonly int[] Passes = [0, 1, 2, 254, 255, 256, 257, 511, 512, 600, 65535, 65536, 65537, 66000, 131_072];

    public GuestCase(int seed, int fewestPasses = 0)
    {
        Random = new Random(seed);
        var start = 0x10_0000u + ((uint)Random.Next(0x6000) * 0x1000);
        var pages = (uint)Random.Next(1, 8);
        Settings = new GuestProgramSettings
        {
            RegionStart = start,
            RegionEnd = start + (pages * 0x1000),
            PageStride = Random.Next(3) == 0 && pages > 1 ? 0x2000u : 0x1000u,
            StampSpacing = 4u << Random.Next(7),
        };
        Model = new GuestMemoryModel(GuestProgram.AB(Settings));
        var guest = new NaiveGuest(Settings);
        guest.RunPasses(Math.Max(fewestPasses, Random.Next(2) == 0 ? Passes[Random.Next(Passes.Length)] : Random.Next(700)));
        DirtyPages = [.. guest.Pages];
        State = guest.RunTo(DirtyPages[Random.Next(DirtyPages.Count)], Random.Next(2) == 0);
        Region = guest.Region;
    }

    public Random Random { get; }
    public GuestProgramSettings Settings { get; }
    public GuestMemoryModel Model { get; }
    public GuestState State { get; }
    public IReadOnlyList<uint> DirtyPages { get; }
    public byte[] Region { get; }

    public Span<byte> Page(uint address) => Region.AsSpan((int)(address - Settings.RegionStart), 4096);

    /// <summary>A page as it was, or will be, at another pass.</summary>
    public byte[] PageAt(uint address, uint passes)
    {
        var page = Page(address).ToArray();
        for (var i = 0u; i < 256; i++)
            page[i] = (byte)((passes + 255 - i) / 256);
        return page;
    }
}
