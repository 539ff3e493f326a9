using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Processes;

/// <summary>How much memory of its own a process has (<c>/proc/PID/smaps</c>, anonymous pages).</summary>
public static partial class MemoryUse
{
    private const string Anonymous = "Anonymous:";

    /// <summary>Reads the sum over all mappings that are smaller than a limit: of a QEMU, all but the guest's RAM and the code that TCG has translated.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="limit">Mappings of this size, in bytes, and larger ones are left out.</param>
    /// <returns>KiB; null when the process has ended.</returns>
    public static long? ReadBelow(int processId, long limit)
    {
        try
        {
            return Sum(File.ReadLines($"/proc/{processId}/smaps"), limit);
        }
        catch (IOException)
        {
            return null;
        }
    }

    internal static long Sum(IEnumerable<string> lines, long limit)
    {
        var total = 0L;
        var counts = false;
        foreach (var line in lines)
        {
            if (line.StartsWith(Anonymous, StringComparison.Ordinal))
            {
                total += counts ? long.Parse(line.AsSpan(Anonymous.Length, line.LastIndexOf(' ') - Anonymous.Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture) : 0;
            }
            else if (Mapping().Match(line) is { Success: true } mapping)
            {
                counts = Address(mapping.Groups["end"]) - Address(mapping.Groups["start"]) < limit;
            }
        }

        return total;
    }

    private static long Address(Group digits) => (long)ulong.Parse(digits.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex("^(?<start>[0-9a-f]+)-(?<end>[0-9a-f]+) ")]
    private static partial Regex Mapping();
}
