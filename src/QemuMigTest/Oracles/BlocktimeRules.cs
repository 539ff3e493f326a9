using System.Text.Json;

namespace QemuMigTest.Oracles;

/// <summary>How the numbers of postcopy-blocktime (destination, since 3.0; latencies since 10.1) must agree with each other, with the clock, and with the source's requests.</summary>
internal static class BlocktimeRules
{
    /// <summary>Each latency is cut to nanoseconds, each sum to milliseconds.</summary>
    private const double Rounding = 2;

    /// <summary>All that does not hold.</summary>
    /// <param name="info">The destination's query-migrate.</param>
    /// <param name="requests">The source's postcopy-requests.</param>
    /// <param name="longest">How long the vCPUs can have waited at most, ms: from the migration's start on the destination to its end.</param>
    public static IEnumerable<string> Check(JsonElement info, long requests, double longest)
    {
        if (!info.TryGetProperty("postcopy-blocktime", out var blocktime) || !info.TryGetProperty("postcopy-vcpu-blocktime", out var vcpus))
        {
            yield return "capability postcopy-blocktime is on, and there is no postcopy-blocktime or no postcopy-vcpu-blocktime";
            yield break;
        }

        foreach (var time in vcpus.EnumerateArray().Append(blocktime).Select(time => time.GetDouble()).Where(time => time > longest))
        {
            yield return $"a blocktime is {time} ms; from its first event to completed it took {longest:F0} ms, slack included";
        }

        if (info.TryGetProperty("postcopy-latency-dist", out var buckets))
        {
            foreach (var finding in Latencies(info, [.. buckets.EnumerateArray().Select(bucket => bucket.GetInt64())], requests, vcpus))
            {
                yield return finding;
            }
        }
    }

    private static IEnumerable<string> Latencies(JsonElement info, long[] buckets, long requests, JsonElement vcpus)
    {
        var (faults, latency) = (buckets.Sum(), info.GetProperty("postcopy-latency").GetDouble() / 1000);
        if (requests > 0 && faults == 0)
        {
            yield return $"the source got {requests} postcopy-requests, and postcopy-latency-dist counts no page fault";
        }

        // Bucket n holds what took from 2^n microseconds to twice that, the last one all that took longer. The mean may be less: where a vCPU has
        // several page faults at once the time that it waits is counted once, and one that goes on to its next before QEMU has noted the end of the last has several.
        var slowest = buckets.Select((count, n) => count * Math.Pow(2, n + 1)).Sum();
        if (faults > 0 && buckets[^1] == 0 && latency * faults > slowest + faults)
        {
            yield return $"postcopy-latency is {latency:F0} µs; by postcopy-latency-dist {faults} page faults took {slowest / faults:F0} µs at most on the mean";
        }

        // Where no vCPU has waited, each is in the mean.
        var fastest = buckets.Select((count, n) => n == 0 ? 0 : count * Math.Pow(2, n)).Sum();
        if (info.GetProperty("postcopy-vcpu-latency").EnumerateArray().All(time => time.GetDouble() == 0) && latency * faults < fastest - faults)
        {
            yield return $"postcopy-latency is {latency:F0} µs; by postcopy-latency-dist {faults} page faults, none of a vCPU, took {fastest / faults:F0} µs at least on the mean";
        }

        var (sum, blocked) = (latency * faults / 1000, vcpus.EnumerateArray().Sum(time => time.GetDouble()));
        if (info.GetProperty("postcopy-non-vcpu-latency").GetDouble() == 0 && Math.Abs(sum - blocked) > Rounding + (0.02 * sum))
        {
            yield return $"{faults} page faults of {latency:F0} µs (postcopy-latency) make {sum:F0} ms; postcopy-vcpu-blocktime says {blocked:F0} ms";
        }
    }
}
