namespace QemuMigTest.Binaries.Store;

/// <summary>Finds what was meant by a mistyped name.</summary>
internal static class SuiteNames
{
    /// <summary>The name nearest to <paramref name="given"/> by single-letter edits or a common beginning; null when none is near.</summary>
    public static string? Nearest(string given, IEnumerable<string> names)
    {
        var lower = given.ToLowerInvariant();
        // A common beginning counts as one edit: what was typed was not finished.
        var (name, distance) = names
            .Select(name => (Name: name, Distance: lower.Length >= 3 && name.StartsWith(lower, StringComparison.Ordinal) ? 1 : Distance(lower, name)))
            .MinBy(pair => pair.Distance);
        return distance <= Math.Max(1, name.Length / 3) ? name : null;
    }

    /// <summary>How many letters must be added, dropped or changed.</summary>
    internal static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
