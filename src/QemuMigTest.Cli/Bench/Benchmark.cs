using System.Diagnostics;
using System.Globalization;
using QemuMigTest.Cli.Catalogue;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Bench;

/// <summary>Runs our suite and upstream's harness in turns, on one build, without KVM.</summary>
internal sealed class Benchmark
{
    // The harness that upstream's script builds; what is newer it does not know.
    private const string HarnessVersion = "10.2";
    private const int MostLines = 20;

    private readonly BenchmarkPlan _plan;
    private readonly CommandContext _context;
    private readonly DateTimeOffset _started;

    public Benchmark(BenchmarkPlan plan, CommandContext context)
    {
        _plan = plan;
        _context = context;
        _started = context.Time.GetUtcNow();
    }

    /// <summary>Measures.</summary>
    /// <exception cref="BenchmarkException">A test of ours failed, upstream's script did, or there is nothing that both have.</exception>
    public async Task<BenchmarkResult> MeasureAsync(CancellationToken ct)
    {
        var known = UpstreamPaths.Read().Where(path => path.Since == HarnessVersion).Select(path => path.Path).ToHashSet();
        var candidates = _plan.SelectedPaths.Where(known.Contains).ToList();
        Say(string.Create(CultureInfo.InvariantCulture, $"ours, once, to see which of {candidates.Count} paths pass here"));
        var both = (await OursAsync(candidates, jobs: 2, "probe", ct)).Passed.Keys.Intersect(candidates).ToList();

        var harness = new UpstreamHarness(_plan, Say);
        List<IReadOnlyDictionary<string, double>> upstream = [];
        List<TimedRun> one = [];
        List<TimedRun> two = [];
        for (var round = 1; round <= Math.Max(_plan.Repeat, _plan.UpstreamRepeat); round++)
        {
            if (round <= _plan.UpstreamRepeat)
            {
                var seconds = await harness.MeasureAsync(both, ct);
                upstream.Add(seconds);
                // What upstream skips is common to none.
                both = [.. both.Where(seconds.ContainsKey)];
                if (both.Count == 0)
                    throw new BenchmarkException("There is no path that both ran: upstream's harness skipped all of them, or ran none.");
            }
            if (round <= _plan.Repeat)
            {
                one.Add(await OursAsync(both, jobs: 1, "one job", ct));
                two.Add(await OursAsync(both, jobs: 2, "two jobs", ct));
            }
        }
        return new BenchmarkResult { Started = _started, Upstream = upstream, OneJob = one, TwoJobs = two, Broken = harness.Broken, Restarts = harness.Restarts };
    }

    private async Task<TimedRun> OursAsync(List<string> paths, int jobs, string what, CancellationToken ct)
    {
        var results = Path.Combine(_plan.Scratch, "results");
        var command = Environment.ProcessPath!;
        var start = new ProcessStartInfo(command);
        // Under the host "dotnet" the program is its first argument.
        if (Path.GetFileName(command) == "dotnet")
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        // A folder as --path brings along what is below it.
        var below = _plan.SuitePaths.Except(paths).Where(path => paths.Exists(wanted => path.StartsWith(wanted + "/", StringComparison.Ordinal)));
        string[] arguments =
        [
            "run", "--qemu", _plan.Qemu, "--accel", "tcg", "--no-color", "--jobs", jobs.ToString(CultureInfo.InvariantCulture), "--results", results,
            .. paths.SelectMany(path => new[] { "--path", path }),
            .. below.Where(path => !paths.Exists(wanted => wanted.StartsWith(path + "/", StringComparison.Ordinal))).SelectMany(path => new[] { "--skip", path }),
        ];
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);

        List<string> lines = [];
        var (exitCode, seconds) = await BenchmarkProcess.RunAsync(start, lines.Add, ct);
        if (exitCode != ExitCode.Passed)
            throw new BenchmarkException($"A run of ours ended with exit code {exitCode}, and a failure is no measurement:\n{string.Join('\n', lines.TakeLast(MostLines))}");
        Say(string.Create(CultureInfo.InvariantCulture, $"ours, {what}: {seconds:F1} s"));
        return new TimedRun(seconds, RunRecord.Load(Path.Combine(results, RunRecord.FileName)));
    }

    private void Say(string text) => _context.Error.Writer.WriteLine(text);
}
