using System.Globalization;
using System.Text;
using QemuMigTest.Cli.Run;

namespace QemuMigTest.Cli.Catalogue;

/// <summary>The page: every path of upstream's and of ours, and what becomes of it on each build. The same runs make the same page.</summary>
internal sealed class CataloguePage
{
    /// <summary>Where the page lies; the links in it are relative to its folder.</summary>
    public const string DefaultFile = "docs/catalogue.md";

    private const string Root = "/migration";
    private const string Nothing = "–";

    private readonly StringBuilder _page = new();
    private readonly CatalogueNotes _notes = new();
    private readonly IReadOnlyList<CatalogueRun> _runs;
    private readonly Dictionary<string, SuiteTest> _tests;
    private readonly Dictionary<string, UpstreamPath> _upstream;

    private CataloguePage(IReadOnlyList<CatalogueRun> runs, IReadOnlyList<SuiteTest> suite, IReadOnlyList<UpstreamPath> upstream)
    {
        _runs = runs;
        _tests = suite.Where(test => !test.Explicit).ToDictionary(test => test.Path);
        _upstream = upstream.ToDictionary(path => path.Path);
    }

    /// <summary>Makes the page.</summary>
    /// <param name="runs">The builds, in the order of their columns.</param>
    /// <param name="suite">Our tests.</param>
    /// <param name="upstream">Upstream's paths.</param>
    public static string Make(IReadOnlyList<CatalogueRun> runs, IReadOnlyList<SuiteTest> suite, IReadOnlyList<UpstreamPath> upstream) =>
        new CataloguePage(runs, suite, upstream).Make();

    private string Make()
    {
        var own = _tests.Keys.Where(path => !_upstream.ContainsKey(path)).ToList();
        WriteHead(own.Count);
        Line("## Upstream's paths");
        WriteAreas(_upstream.Keys, withUpstream: true);
        if (own.Count > 0)
        {
            Line();
            Line("## Paths that upstream does not have");
            WriteAreas(own, withUpstream: false);
        }
        if (_notes.All.Count > 0)
        {
            Line();
            Line("## Notes");
            Line();
            foreach (var (index, note) in _notes.All.Index())
                Line($"{index + 1}. {Escape(note)}");
        }
        return _page.ToString();
    }

    private void WriteHead(int own)
    {
        var there = _upstream.Keys.Count(_tests.ContainsKey);
        Line("# Catalogue");
        Line();
        Line("<!-- Made by 'dotnet cake --target=Catalogue' from the records of runs. Not to be edited. -->");
        Line();
        Line($"What becomes of every path of QEMU's own migration-test on x86_64, and of those that only we have, on {_runs.Count} builds of QEMU.");
        Line(there == _upstream.Count
            ? $"The suite has all of upstream's {there} paths, and {own} of its own."
            : $"Of upstream's {_upstream.Count} paths the suite has {there}; not there yet: {_upstream.Count - there}. It has {own} of its own.");
        Line();
        Line("| QEMU | Debian suite | accelerator | passed | refused | known fault | skipped | failed |");
        Line("|---|---|---|---|---|---|---|---|");
        foreach (var run in _runs)
        {
            string[] words = [PathVerdict.Passed, PathVerdict.Refused, PathVerdict.KnownFault, PathVerdict.Skipped, PathVerdict.Failed];
            var counts = words.Select(word => run.Verdicts.Values.Count(verdict => verdict.Word == word).ToString(CultureInfo.InvariantCulture));
            Line($"| {run.Version} | {run.Suite ?? "(a build of its own)"} | {run.Accelerator} | {string.Join(" | ", counts)} |");
        }
        Line();
        Line("- **passed**: all that the test proves held, and every oracle ([oracles.md](oracles.md)).");
        Line("- **refused**: this QEMU does not do it, says so, and does so as it should. The test proved the refusal.");
        Line("- **known fault**: this QEMU does what it should not, as is known of its version ([findings.md](findings.md)). The test proved that it does so still.");
        Line("- **skipped**: something that the test needs is not there. The note says what was wanted, what was found, and why that is not enough.");
        Line("- **failed**: something did not hold.");
        Line();
        Line("A number in brackets is that of a note at the end of the page. What a build lacks is the same everywhere; what the machine lacks (userfaultfd, an RDMA link,");
        Line("KVM's dirty ring, …) is told of the machine of our CI. A path leads to its test. \"since\" is the version whose harness has the path.");
        Line();
    }

    private void WriteAreas(IEnumerable<string> paths, bool withUpstream)
    {
        foreach (var area in paths.GroupBy(AreaOf).OrderBy(area => area.Key, StringComparer.Ordinal))
        {
            Line();
            Line($"### {area.Key}");
            Line();
            Line($"| path | what it proves |{(withUpstream ? " since |" : "")} {string.Join(" | ", _runs.Select(run => run.Version))} |");
            Line($"|---|---|{(withUpstream ? "---|" : "")}{string.Concat(_runs.Select(_ => "---|"))}");
            foreach (var path in area.Order(StringComparer.Ordinal))
                WriteRow(path, withUpstream);
        }
    }

    private void WriteRow(string path, bool withUpstream)
    {
        var test = _tests.GetValueOrDefault(path);
        var name = test is not null && SourceFile.Of(test) is { } file ? $"[`{path}`](../{file})" : $"`{path}`";
        var proves = test is null ? "*not there yet*" : Escape(Sentence(test));
        var since = withUpstream ? $" {SinceOf(_upstream[path])} |" : "";
        Line($"| {name} | {proves} |{since} {string.Join(" | ", _runs.Select(run => Cell(run.Verdicts.GetValueOrDefault(path))))} |");
    }

    private string SinceOf(UpstreamPath path) =>
        path.When is { } when ? $"{path.Since} ({_notes.NumberOf($"upstream runs it only with {when}")})" : path.Since;

    private string Cell(PathVerdict? verdict) => verdict switch
    {
        null => Nothing,
        { Note: { } note } => $"{verdict.Word} ({_notes.NumberOf(note)})",
        _ => verdict.Word,
    };

    // The area of /migration/precopy/tcp/plain is /migration/precopy; that of /migration/bad_dest, which has none, is /migration.
    private static string AreaOf(string path)
    {
        var parts = path.Split('/');
        return parts.Length > 3 ? $"{Root}/{parts[2]}" : Root;
    }

    private static string Sentence(SuiteTest test) => test.Method[(test.Method.LastIndexOf('.') + 1)..].Replace('_', ' ');

    private static string Escape(string text)
    {
        foreach (var special in "\\|<*[")
            text = text.Replace(special.ToString(), $"\\{special}", StringComparison.Ordinal);
        return text;
    }

    private void Line(string text = "") => _page.Append(text).Append('\n');
}
