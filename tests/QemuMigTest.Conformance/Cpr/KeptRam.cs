using System.Globalization;

namespace QemuMigTest.Conformance.Cpr;

/// <summary>Whether the guest's RAM stayed where it was: the same file or memfd is mapped by both sides, and the stream is too short to hold RAM.</summary>
/// <param name="File">Device and inode of what the guest's RAM is a mapping of.</param>
internal sealed record KeptRam(string File)
{
    // Device state and ROMs are below 300 KB on each QEMU seen.
    private const long LongestStream = 1024 * 1024;

    /// <summary>What a side's QEMU maps as the guest's RAM.</summary>
    /// <exception cref="QemuMigTestException">It maps nothing shared of that size.</exception>
    public static KeptRam Of(MigrationSide side)
    {
        var pid = side.Process.Child.Id;
        foreach (var words in System.IO.File.ReadLines($"/proc/{pid}/maps").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            var addresses = words[0].Split('-').Select(address => ulong.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToList();
            if (words[1].EndsWith('s') && addresses[1] - addresses[0] == MigrationPair.GuestMemoryBytes)
            {
                return new KeptRam($"{words[3]} {words[4]}");
            }
        }

        throw new QemuMigTestException($"{side.Name}: /proc/{pid}/maps shows no shared mapping of {MigrationPair.GuestMemoryMiB} MiB: the guest's RAM is not what the pair was started with");
    }

    /// <summary>The destination has the RAM that the source had, and it did not come by the stream.</summary>
    /// <param name="destination">The destination, after the migration.</param>
    /// <param name="streamBytes">What was sent, bytes.</param>
    public void ShouldHaveMovedTo(MigrationSide destination, long streamBytes)
    {
        Of(destination).ShouldBe(this, "the destination maps other memory than the source did");
        streamBytes.ShouldBeInRange(1, LongestStream, "the stream is as long as if it held the guest's RAM");
    }
}
