namespace QemuMigTest.Conformance.Rules;

/// <summary>Few sets in which every combination of two elements that may be occurs: both in, one in and the other not, none in.</summary>
internal static class CoveringArray
{
    /// <summary>Makes the sets, always the same for the same arguments.</summary>
    /// <param name="names">The elements.</param>
    /// <param name="needs">What else must be in a set with these.</param>
    /// <param name="isLegal">Whether a set that has all that it needs may be.</param>
    public static IReadOnlyList<IReadOnlySet<string>> Of(IReadOnlyList<string> names, Func<IEnumerable<string>, IEnumerable<string>> needs, Func<IReadOnlyCollection<string>, bool> isLegal)
    {
        var left = new HashSet<(string A, bool InA, string B, bool InB)>();
        foreach (var (a, b) in from i in Enumerable.Range(0, names.Count) from j in Enumerable.Range(i + 1, names.Count - i - 1) select (names[i], names[j]))
        {
            foreach (var (inA, inB) in new[] { (true, true), (true, false), (false, true), (false, false) })
            {
                if (new Row(needs, isLegal).TryPut(a, inA) is { } row && row.TryPut(b, inB) is not null)
                {
                    left.Add((a, inA, b, inB));
                }
            }
        }

        List<IReadOnlySet<string>> rows = [];
        while (left.Count > 0)
        {
            // In a fixed order, so that a failure has the same row the next time.
            var first = left.OrderBy(pair => names.IndexOf(pair.A)).ThenBy(pair => names.IndexOf(pair.B)).ThenByDescending(pair => pair.InA).ThenByDescending(pair => pair.InB).First();
            var row = new Row(needs, isLegal).TryPut(first.A, first.InA)!.TryPut(first.B, first.InB)!;
            foreach (var name in names.Where(name => !row.Decides(name)))
            {
                row = new[] { row.TryPut(name, true), row.TryPut(name, false) }.OfType<Row>().MaxBy(next => left.Count(next.Covers))!;
            }

            left.RemoveWhere(row.Covers);
            rows.Add(row.In);
        }

        return rows;
    }

    private static int IndexOf(this IReadOnlyList<string> names, string name) => names.TakeWhile(other => other != name).Count();

    private sealed class Row(Func<IEnumerable<string>, IEnumerable<string>> needs, Func<IReadOnlyCollection<string>, bool> isLegal)
    {
        private readonly SortedSet<string> _in = new(StringComparer.Ordinal);
        private readonly SortedSet<string> _out = new(StringComparer.Ordinal);

        public IReadOnlySet<string> In => _in;

        public bool Decides(string name) => _in.Contains(name) || _out.Contains(name);

        public bool Covers((string A, bool InA, string B, bool InB) pair) => (pair.InA ? _in : _out).Contains(pair.A) && (pair.InB ? _in : _out).Contains(pair.B);

        // With what it needs; null where it may not be.
        public Row? TryPut(string name, bool isIn)
        {
            var row = new Row(needs, isLegal);
            row._in.UnionWith(_in);
            row._out.UnionWith(_out);
            if (!isIn)
            {
                row._out.Add(name);
                return row._in.Contains(name) ? null : row;
            }

            row._in.Add(name);
            row._in.UnionWith(needs([name]));
            return row._in.Overlaps(row._out) || !isLegal(row._in) ? null : row;
        }
    }
}
