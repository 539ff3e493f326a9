using System.Diagnostics;
using System.Globalization;

namespace QemuMigTest.Cli.Bench;

/// <summary>QEMU's own harness, run by a script. A crash ends all of it: it is started again with the paths that are left, and a path that it does not get through is left out.</summary>
internal sealed class UpstreamHarness(BenchmarkPlan plan, Action<string> say)
{
    private const int MostLines = 20;
    private const string Prefix = "/x86_64";

    private readonly Dictionary<string, string> _broken = [];

    /// <summary>The paths that it does not get through here, and its last words on each.</summary>
    public IReadOnlyDictionary<string, string> Broken => _broken;

    /// <summary>How often it ended before it had run all that it was told to.</summary>
    public int Restarts { get; private set; }

    /// <summary>The seconds of each path that it passes; what it skips is not among them.</summary>
    /// <exception cref="BenchmarkException">The script failed, not the harness.</exception>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(List<string> paths, CancellationToken ct)
    {
        var seconds = new Dictionary<string, double>();
        var rest = paths.Where(path => !_broken.ContainsKey(path)).ToList();
        while (rest.Count > 0)
        {
            var (log, lastWords) = await RunAsync(rest, ct);
            Add(log, seconds);
            var left = rest.Except(log.Seconds.Keys).Except(log.Skipped).ToList();
            if (lastWords is null || left.Count == 0)
            {
                break;
            }
            Restarts++;
            say($"upstream stopped: {lastWords}; {left.Count} paths are left");
            if (left.Count == rest.Count)
            {
                await RunAloneAsync(left, seconds, ct);
                break;
            }
            rest = left;
        }
        say(string.Create(CultureInfo.InvariantCulture, $"upstream: {seconds.Values.Sum():F1} s for {seconds.Count} paths"));
        return seconds;
    }

    private async Task RunAloneAsync(List<string> paths, Dictionary<string, double> seconds, CancellationToken ct)
    {
        foreach (var path in paths)
        {
            var (log, lastWords) = await RunAsync([path], ct);
            Add(log, seconds);
            if (lastWords is not null && !log.Seconds.ContainsKey(path))
            {
                say($"upstream does not get through {path}: {lastWords}");
                _broken.Add(path, lastWords);
            }
        }
    }

    private static void Add(UpstreamLog log, Dictionary<string, double> seconds)
    {
        foreach (var (path, time) in log.Seconds)
        {
            seconds[path] = time;
        }
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
