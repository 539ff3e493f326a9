using System.Globalization;

namespace QemuMigTest.Hosts;

/// <summary>Huge pages of 2 MiB that this machine has set aside (hugetlb), and whether enough of them are free.</summary>
public static class ReservedHugePages
{
    /// <summary>Where Linux says how many there are.</summary>
    public const string Folder = "/sys/kernel/mm/hugepages/hugepages-2048kB";

    /// <summary>What one has, bytes.</summary>
    public const long Bytes = 2 * 1024 * 1024;

    /// <summary>Why so many cannot be had now, or null.</summary>
    /// <param name="folder">The folder, such as <see cref="Folder"/>.</param>
    /// <param name="pages">How many.</param>
    public static string? WhyNot(string folder, long pages)
    {
        if (!Directory.Exists(folder))
        {
            return $"no folder {folder}";
        }

        // Those that are promised to somebody count as free until they are used.
        var free = Read(folder, "free_hugepages") - Read(folder, "resv_hugepages");
        return free < pages ? string.Create(CultureInfo.InvariantCulture, $"{free} free of {Read(folder, "nr_hugepages")}") : null;
    }

    private static long Read(string folder, string name) => long.Parse(File.ReadAllText(Path.Combine(folder, name)), CultureInfo.InvariantCulture);
}
