using System.Diagnostics;

namespace QemuMigTest.Conformance.Promises;

/// <summary>Whether what goes over the wire keeps to a limit.</summary>
internal static class WireRate
{
    /// <summary>QEMU meters by slices of 100 ms and lets the last 32 pages, which go together, or multifd's last packets, of each by.</summary>
    public const double Tolerance = 0.15;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);

    /// <summary>Measures 2 s of the wire: no more than the limit, and no less. A machine that is too busy to send as fast gets more windows; more than the limit is wrong in any.</summary>
    /// <param name="proxy">What the migration goes through.</param>
    /// <param name="limit">The limit, bytes a second.</param>
    /// <param name="longest">For how long at most.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="QemuMigTestException">It is faster, or slower in each window.</exception>
    public static async Task ShouldBeAsync(ProxyChannel proxy, long limit, TimeSpan longest, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var rate = await proxy.MeasureAsync(Window, ct);
            if (rate > limit * (1 + Tolerance))
            {
                throw new QemuMigTestException($"source: {rate / 1e6:F1} MB/s went over the wire for {Window.TotalSeconds} s; the limit is {limit / 1e6:F1} MB/s");
            }

            if (rate >= limit * (1 - Tolerance))
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(start) > longest)
            {
                throw new QemuMigTestException($"source: only {rate / 1e6:F1} MB/s went over the wire, and no more in any {Window.TotalSeconds} s of {longest.TotalSeconds:F0}; it may use {limit / 1e6:F1} MB/s");
            }
        }
    }
}
