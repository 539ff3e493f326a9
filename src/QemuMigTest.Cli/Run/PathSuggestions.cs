using QemuMigTest.NUnit;

namespace QemuMigTest.Cli.Run;

/// <summary>Finds the paths that someone may have meant who wrote one that there is not.</summary>
internal static class PathSuggestions
{
    private const int Most = 3;

    /// <summary>The nearest of <paramref name="paths"/> and of their prefixes, nearest first; none if nothing is near.</summary>
    public static IReadOnlyList<string> For(string written, IEnumerable<string> paths)
    {
        var wanted = '/' + written.Trim().Trim('/').ToLowerInvariant();
        if (wanted == "/")
            return [];
        var candidates = paths.SelectMany(TestPath.Prefixes).Distinct(StringComparer.Ordinal).ToList();

        // The right end without the beginning: postcopy/plain for /migration/postcopy/plain.
        var ends = candidates.Where(path => path == wanted || path.EndsWith(wanted, StringComparison.Ordinal)).ToList();
        if (ends.Count > 0)
            return [.. ends.OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal).Take(Most)];

        var near = candidates
            .Select(path => (Path: path, Distance: Math.Min(Distance(wanted, path, wanted), Distance("/migration" + wanted, path, wanted))))
            .Where(near => near.Distance < 1)
            .OrderBy(near => near.Distance).ThenByDescending(near => CommonBeginning(near.Path, wanted)).ThenBy(near => near.Path, StringComparer.Ordinal)
            .ToList();
        // One that is clearly nearest is enough.
        return [.. near.Where(other => other.Distance <= near[0].Distance * 1.5).Take(Most).Select(other => other.Path)];
    }

    // 0 is equal, 1 is too far: the better of letters changed in all and of parts changed, left out or added.
    // How much is too far depends on what was written, not on what is put before it.
    private static double Distance(string wanted, string path, string written)
    {
        var letters = EditDistance(wanted, path, static (a, b) => a == b ? 0 : 1) / Math.Max(2.0, written.Length / 4.0);
        var parts = EditDistance(Parts(wanted), Parts(path), PartDistance) / Math.Max(1.0, Parts(written).Length * 0.6);
        return Math.Min(letters, parts);
    }

    private static int CommonBeginning(string a, string b) => Parts(a).Zip(Parts(b)).TakeWhile(pair => pair.First == pair.Second).Count();

    private static string[] Parts(string path) => path[1..].Split('/');

    private static double PartDistance(string a, string b) =>
        EditDistance(a, b, static (x, y) => x == y ? 0 : 1) / Math.Max(1.0, Math.Max(a.Length, b.Length));

    private static double EditDistance<T>(IEnumerable<T> from, IEnumerable<T> to, Func<T, T, double> change)
    {
        T[] target = [.. to];
        var row = Enumerable.Range(0, target.Length + 1).Select(n => (double)n).ToArray();
        foreach (var item in from)
        {
            var diagonal = row[0]++;
            for (var i = 0; i < target.Length; i++)
            {
                var best = Math.Min(diagonal + change(item, target[i]), 1 + Math.Min(row[i], row[i + 1]));
                diagonal = row[i + 1];
                row[i + 1] = best;
            }
        }
        return row[^1];
    }
}
