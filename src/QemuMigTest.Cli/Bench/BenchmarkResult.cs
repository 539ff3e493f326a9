using QemuMigTest.Results;

namespace QemuMigTest.Cli.Bench;

/// <summary>What was measured in one sitting.</summary>
internal sealed record BenchmarkResult
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The seconds of each path in upstream's harness, run by run.</summary>
    public required IReadOnlyList<IReadOnlyDictionary<string, double>> Upstream { get; init; }

    /// <summary>The paths that upstream's harness does not get through here, and its last words on each.</summary>
    public IReadOnlyDictionary<string, string> Broken { get; init; } = new Dictionary<string, string>();

    /// <summary>How often upstream's harness ended early and was started again.</summary>
    public int Restarts { get; init; }

    /// <summary>Our runs of one job.</summary>
    public required IReadOnlyList<TimedRun> OneJob { get; init; }

    /// <summary>Our runs of two jobs.</summary>
    public required IReadOnlyList<TimedRun> TwoJobs { get; init; }

    /// <summary>The build that all ran on.</summary>
    public QemuRecord Qemu => OneJob[0].Record.Source!;

    /// <summary>The paths that every run passed, upstream's and ours, in order.</summary>
    public IReadOnlyList<string> Paths =>
        [.. Upstream.Concat(OneJob.Concat(TwoJobs).Select(run => run.Passed)).Select(seconds => seconds.Keys).Aggregate((a, b) => a.Intersect(b)).Order(StringComparer.Ordinal)];

    /// <summary>The middle one of some numbers, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
