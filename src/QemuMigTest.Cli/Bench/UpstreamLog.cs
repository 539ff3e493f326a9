using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Cli.Bench;

/// <summary>What upstream's harness said, a line a result, each with its seconds before it:
/// <c>   1.23 s  ok 1 /x86_64/migration/precopy/tcp/plain</c>.</summary>
internal sealed partial record UpstreamLog
{
    /// <summary>The seconds of each path that passed, without the architecture before it. What it skipped is not here.</summary>
    public required IReadOnlyDictionary<string, double> Seconds { get; init; }

    /// <summary>The paths that it skipped.</summary>
    public required IReadOnlySet<string> Skipped { get; init; }

    /// <summary>The lines of what did not pass; the harness ends at the first of them.</summary>
    public required IReadOnlyList<string> Failures { get; init; }

    /// <summary>Reads it; lines of another kind are passed over.</summary>
    public static UpstreamLog Parse(IEnumerable<string> lines)
    {
        var seconds = new Dictionary<string, double>();
        var skipped = new HashSet<string>();
        var failures = new List<string>();
        foreach (var match in lines.Select(line => Line().Match(line)).Where(match => match.Success))
        {
            var what = match.Groups["what"].Value;
            var passed = Passed().Match(what);
            if (!passed.Success)
                failures.Add(what.Trim());
            else if (Skip().IsMatch(what))
                skipped.Add(passed.Groups["path"].Value);
            else
                seconds.TryAdd(passed.Groups["path"].Value, double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture));
        }
        return new UpstreamLog { Seconds = seconds, Skipped = skipped, Failures = failures };
    }

    [GeneratedRegex(@"^\s*(?<seconds>\d+(\.\d+)?) s  (?<what>(ok|not ok|Bail).*)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"^ok \d+ (- )?/x86_64(?<path>/\S+)")]
    private static partial Regex Passed();

    [GeneratedRegex(@"#\s*SKIP", RegexOptions.IgnoreCase)]
    private static partial Regex Skip();
}
