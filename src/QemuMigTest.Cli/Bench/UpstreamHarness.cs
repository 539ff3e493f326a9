using System.Diagnostics;
using System.Globalization;

namespace QemuMigTest.Cli.Bench;

/// <summary>QEMU's own harness, run by a script. A crash in one of its paths ends all of it, so those are found first and left out.</summary>
internal sealed class UpstreamHarness(BenchmarkPlan plan, Action<string> say)
{
    private const int MostLines = 20;
    private const string Prefix = "/x86_64";

    private readonly Dictionary<string, string> _broken = [];

    /// <summary>The paths that it does not get through here, and its last words on each.</summary>
    public IReadOnlyDictionary<string, string> Broken => _broken;

    /// <summary>The seconds of each path that it passes; what it skips is not among them.</summary>
    /// <exception cref="BenchmarkException">It stopped at a path that it had got through before.</exception>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(List<string> paths, CancellationToken ct)
    {
        var wanted = paths.Where(path => !_broken.ContainsKey(path)).ToList();
        var (log, lastWords) = await RunAsync(wanted, ct);
        if (lastWords is not null)
        {
            await FindBrokenAsync([.. wanted.Where(path => !log.Seconds.ContainsKey(path))], lastWords, ct);
            (log, lastWords) = await RunAsync([.. wanted.Where(path => !_broken.ContainsKey(path))], ct);
        }
        if (lastWords is not null)
            throw new BenchmarkException($"Upstream's harness stopped after {log.Seconds.Count} paths, though it got through each of the others alone: {lastWords}\nMeasure again, or leave paths out with --skip.");
        say(string.Create(CultureInfo.InvariantCulture, $"upstream: {log.Seconds.Values.Sum():F1} s for {log.Seconds.Count} paths"));
        return log.Seconds;
    }

    private async Task FindBrokenAsync(List<string> suspects, string lastWords, CancellationToken ct)
    {
        say($"upstream stopped: {lastWords}; each of {suspects.Count} paths alone, to see at which");
        foreach (var path in suspects)
        {
            if ((await RunAsync([path], ct)).LastWords is { } words)
            {
                say($"upstream does not get through {path}: {words}");
                _broken.Add(path, words);
            }
        }
        if (!suspects.Exists(_broken.ContainsKey))
            throw new BenchmarkException($"Upstream's harness stopped ({lastWords}), and gets through each path alone.");
    }

    private async Task<(UpstreamLog Log, string? LastWords)> RunAsync(List<string> paths, CancellationToken ct)
    {
        // -p takes along what is below a path.
        var below = plan.SuitePaths.Except(paths).Where(path => paths.Exists(wanted => path.StartsWith(wanted + "/", StringComparison.Ordinal)));
        var start = new ProcessStartInfo(plan.Upstream,
            ["run", plan.Wrapper, "--full", "-m", "slow", .. paths.SelectMany(path => new[] { "-p", Prefix + path }), .. below.SelectMany(path => new[] { "-s", Prefix + path })])
        {
            Environment = { ["ACCEL"] = "tcg", ["QEMU_TEST_FLAKY_TESTS"] = "1" },
        };
        List<string> lines = [];
        var (exitCode, _) = await BenchmarkProcess.RunAsync(start, lines.Add, ct);
        var log = UpstreamLog.Parse(lines);
        if (log.Failures is [var failure, ..])
            return (log, failure);
        if (exitCode == 0)
            return (log, null);
        // 128 + a signal is the harness's own end; anything else is the script's.
        return exitCode > 128 ? (log, $"ended by signal {exitCode - 128}") : throw new BenchmarkException($"{plan.Upstream} ended with exit code {exitCode}:\n{string.Join('\n', lines.TakeLast(MostLines))}");
    }
}
