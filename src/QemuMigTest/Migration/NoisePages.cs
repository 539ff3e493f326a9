using QemuMigTest.Guests;

namespace QemuMigTest.Migration;

/// <summary>Pages of the guest's memory that the framework fills with noise, which no compressor shrinks and no other page resembles.</summary>
/// <remarks>Some are written before the pair's first migration and never again, at the ends of the region and of RAM among them; some before each,
/// one of which is noise and zero by turns. They cost a command of qtest each, less than 0.1 ms.</remarks>
internal static class NoisePages
{
    private const int PageSize = GuestProgramSettings.PageSize;
    private const int CounterBytes = 256;
    private const uint LowPage = 0x4_0000;

    // Above the region's end, where the guest program notes that it has slept.
    private const uint OncePage = 1;
    private const uint TurningPage = 2;

    /// <summary>Writes them on the source, and has the pair remember it.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="migration">The number of the migration that is about to start, from 1.</param>
    public static void Write(MigrationPair pair, int migration)
    {
        var settings = pair.Program.Settings;
        var pages = settings.RegionSize / settings.PageStride;
        if (migration == 1)
        {
            // A page that is dirtied all the time, two neighbours, and the region's last.
            foreach (var number in (uint[])[0, 11, 12, pages / 2, pages - 1])
            {
                WriteInRegion(pair, settings.DirtiedPage(number), migration);
            }

            // Low memory and the last page of RAM are the BIOS's, when a guest wakes up.
            uint[] outside = [settings.RegionEnd + (OncePage * PageSize), LowPage, (uint)MigrationPair.GuestMemoryBytes - PageSize];
            foreach (var page in pair.Options.GuestSuspends ? outside[..1] : outside)
            {
                WriteOutside(pair, page, Noise(page, migration, PageSize), migration);
            }
        }

        WriteInRegion(pair, settings.DirtiedPage(13), migration);
        var turning = settings.RegionEnd + (TurningPage * PageSize);
        WriteOutside(pair, turning, migration % 2 == 1 ? Noise(turning, migration, PageSize) : new byte[PageSize], migration);
    }

    private static void WriteInRegion(MigrationPair pair, uint page, int migration)
    {
        var noise = Noise(page, migration, PageSize - CounterBytes);
        pair.Source.Process.QTest!.Write(page + CounterBytes, noise);
        pair.Remember(pair.MemoryModel.WithWritten(page + CounterBytes, noise, $"before migration {migration}"));
    }

    private static void WriteOutside(MigrationPair pair, uint page, byte[] content, int migration)
    {
        pair.Source.Process.QTest!.Write(page, content);
        pair.Remember(pair.MemoryModel.WithWrittenOutside(page, content, $"by the framework before migration {migration}"));
    }

    private static byte[] Noise(uint page, int migration, int length)
    {
        var noise = new byte[length];
        new Random(HashCode(page, migration)).NextBytes(noise);
        return noise;
    }

    private static int HashCode(uint page, int migration) => (int)(page / PageSize * 31) + migration;
}
