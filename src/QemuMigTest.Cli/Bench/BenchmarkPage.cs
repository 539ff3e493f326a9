using System.Globalization;
using System.Text;
using QemuMigTest.Cli.Output;

namespace QemuMigTest.Cli.Bench;

/// <summary>The page of a benchmark.</summary>
internal sealed class BenchmarkPage
{
    /// <summary>Where it lies.</summary>
    public const string DefaultFile = "docs/benchmark.md";

    private const double MostOneJob = 0.35;
    private const double MostTwoJobs = 0.22;
    private const double MostOwnShare = 0.05;

    private readonly StringBuilder _page = new();
    private readonly BenchmarkResult _result;
    private readonly IReadOnlyDictionary<string, string> _reasons;
    private readonly IReadOnlyList<string> _paths;

    private BenchmarkPage(BenchmarkResult result, IReadOnlyDictionary<string, string> reasons)
    {
        _result = result;
        _reasons = reasons;
        _paths = result.Paths;
    }

    /// <summary>What slower paths prove more, by path.</summary>
    public static IReadOnlyDictionary<string, string> ReadReasons() =>
        EmbeddedTable.Read("slower-paths.tsv", columns: 2).ToDictionary(row => row[0], row => row[1]);

    /// <summary>Makes the page.</summary>
    public static string Make(BenchmarkResult result, IReadOnlyDictionary<string, string> reasons) => new BenchmarkPage(result, reasons).Make();

    private string Make()
    {
        var upstream = _result.Upstream.Select(seconds => _paths.Sum(path => seconds[path])).ToList();
        WriteHead();
        Line("| | runs | wall time, median (all), s | of upstream's | wanted | processor time of our process | wanted |");
        Line("|---|---|---|---|---|---|---|");
        Line($"| upstream | {upstream.Count} | {Seconds(upstream)} | 1 | | | |");
        WriteOurs("ours, one job", _result.OneJob, BenchmarkResult.Median(upstream), MostOneJob);
        WriteOurs("ours, two jobs", _result.TwoJobs, BenchmarkResult.Median(upstream), MostTwoJobs);
        Line();
        WritePaths();
        WriteBroken();
        return _page.ToString();
    }

    private void WriteHead()
    {
        var record = _result.OneJob[0].Record;
        Line("# Benchmark");
        Line();
        Line("<!-- Made by 'dotnet cake --target=Bench --upstream=SCRIPT'. Not to be edited. -->");
        Line();
        Line($"Our suite beside QEMU's own migration-test (the harness of QEMU 10.2.2), the {_paths.Count} paths that both run and pass, on the same build, in one sitting.");
        Line("Upstream's time is the sum of its seconds for these paths. Ours is the whole command, from the start of its process to its end, which proves more: every byte of guest");
        Line("memory, legal statuses, one side running at a time, nothing leaked ([oracles.md](oracles.md)). Runs of one job, of two jobs and of upstream take turns, and medians are compared,");
        Line("since a machine's speed wavers.");
        Line();
        Line("    dotnet cake --target=Bench --upstream=SCRIPT");
        Line();
        Line(Text($"- {_result.Started:yyyy-MM-dd}; QEMU {_result.Qemu.Version}{(_result.Qemu.Package is { Length: > 0 } package ? $" ({package})" : "")}, {record.Accelerator?.ToUpperInvariant()}, {record.MachineType}"));
        Line(Text($"- {record.Host.CpuModel}, {record.Host.Cpus} processors, {record.Host.MemoryBytes >> 30} GiB, Linux {record.Host.Kernel}"));
        Line();
    }

    private void WriteOurs(string name, IReadOnlyList<TimedRun> runs, double upstream, double most)
    {
        var ratio = BenchmarkResult.Median(runs.Select(run => run.WallSeconds)) / upstream;
        var share = BenchmarkResult.Median(runs.Select(run => run.OwnShare));
        Line(Text($"| {name} | {runs.Count} | {Seconds([.. runs.Select(run => run.WallSeconds)])} | {ratio:F2} | at most {most:F2}{Mark(ratio <= most)} | {share:P1} of {BenchmarkResult.Median(runs.Select(run => run.OwnSeconds + run.ChildSeconds)):F1} s | under {MostOwnShare:P0}{Mark(share < MostOwnShare)} |"));
    }

    private void WritePaths()
    {
        Line("| path | upstream, s | ours, one job, s | ratio | |");
        Line("|---|---|---|---|---|");
        foreach (var path in _paths)
        {
            var upstream = BenchmarkResult.Median(_result.Upstream.Select(seconds => seconds[path]));
            var ours = BenchmarkResult.Median(_result.OneJob.Select(run => run.Passed[path]));
            var remark = ours <= upstream ? "" : $"slower; {(_reasons.TryGetValue(path, out var reason) ? $"proves also {reason}" : "nothing explains it")}";
            Line(Text($"| `{path}` | {upstream:F2} | {ours:F2} | {(upstream > 0 ? ours / upstream : 0):F2} | {remark} |"));
        }
        var sums = (Upstream: _paths.Sum(path => BenchmarkResult.Median(_result.Upstream.Select(seconds => seconds[path]))),
            Ours: _paths.Sum(path => BenchmarkResult.Median(_result.OneJob.Select(run => run.Passed[path]))));
        Line(Text($"| **sum** | {sums.Upstream:F2} | {sums.Ours:F2} | {sums.Ours / sums.Upstream:F2} | |"));
    }

    private void WriteBroken()
    {
        if (_result.Restarts > 0)
        {
            Line();
            Line(Text($"Upstream's harness ended early ({Texts.Count(_result.Restarts, "time")} in {Texts.Count(_result.Upstream.Count, "run")}), and was started again with what was left; the time that a crash cost is not counted."));
        }
        if (_result.Broken.Count == 0)
            return;
        Line();
        Line("Upstream's harness does not get through these here; they are left out, on both sides:");
        Line();
        foreach (var (path, lastWords) in _result.Broken.OrderBy(broken => broken.Key, StringComparer.Ordinal))
            Line($"- `{path}`: {lastWords}");
    }

    private static string Seconds(List<double> values) => values.Count == 1
        ? Text($"{values[0]:F1}")
        : Text($"{BenchmarkResult.Median(values):F1} ({string.Join(", ", values.Select(value => Text($"{value:F1}")))})");

    private static string Mark(bool reached) => reached ? "" : " – **missed**";

    private static string Text(FormattableString text) => text.ToString(Format);

    // Percents as "4.2 %".
    private static readonly NumberFormatInfo Format = new() { PercentPositivePattern = 0 };

    private void Line(string text = "") => _page.Append(text).Append('\n');
}
