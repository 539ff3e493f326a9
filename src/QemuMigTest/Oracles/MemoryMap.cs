namespace QemuMigTest.Oracles;

/// <summary>What is where for processors, in memory and behind ports (HMP <c>info mtree -f</c>): RAM, ROM, registers of devices. What devices reach is left out: a test's driver may have let one go on the destination.</summary>
internal static class MemoryMap
{
    private const string SpacePrefix = "AS ";
    private const string ViewPrefix = "FlatView";
    private static readonly string[] Spaces = ["\"memory\"", "\"I/O\"", "\"cpu-"];

    /// <summary>Reads one.</summary>
    /// <param name="text">What QEMU says: views, each with the spaces that have it, in an order that is each process's own.</param>
    /// <returns>A line for each range of each of these spaces, sorted.</returns>
    public static IReadOnlyList<string> Parse(string text)
    {
        var (lines, spaces) = (new List<string>(), new List<string>());
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(ViewPrefix, StringComparison.Ordinal))
            {
                spaces.Clear();
            }
            else if (line.StartsWith(SpacePrefix, StringComparison.Ordinal))
            {
                spaces.AddRange(Spaces.Any(space => line.AsSpan(SpacePrefix.Length).StartsWith(space, StringComparison.Ordinal)) ? [line[SpacePrefix.Length..].Replace("\"", "", StringComparison.Ordinal)] : []);
            }
            else
            {
                lines.AddRange(spaces.Select(space => $"{space}: {line}"));
            }
        }

        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    /// <summary>The lines of one that are not in another, each as often as it is missing there.</summary>
    public static IReadOnlyList<string> Missing(IReadOnlyList<string> map, IReadOnlyList<string> other)
    {
        var counts = other.CountBy(line => line).ToDictionary();
        return [.. map.Where(line =>
        {
            var left = counts.GetValueOrDefault(line);
            counts[line] = left - 1;
            return left <= 0;
        })];
    }
}
