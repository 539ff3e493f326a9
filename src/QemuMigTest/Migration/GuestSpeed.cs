using System.Diagnostics;
using System.Globalization;
using QemuMigTest.Guests;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>How fast a guest goes, by what its vCPU's thread gets of the processors and not by the clock: that holds on a busy machine too.</summary>
/// <param name="CpuPerPass">Processor time that the vCPU's thread needs for one pass of the guest over its region.</param>
/// <param name="Asleep">How long the thread did not want to run, as a part, 0 to 1, of that and the time for which it ran: what a throttle makes of it. A guest that is let go
/// wants to run always. What the thread waited for a processor is in neither.</param>
public sealed record GuestSpeed(TimeSpan CpuPerPass, double Asleep)
{
    private const int CounterBytes = 256;
    private const string VcpuName = "CPU 0/";

    /// <summary>Measures it over some passes of a guest that runs.</summary>
    /// <param name="side">Where it runs.</param>
    /// <param name="passes">How many passes, 1 or more; one takes some milliseconds.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="WaitTimeoutException">The guest does not come that far.</exception>
    public static async Task<GuestSpeed> MeasureAsync(MigrationSide side, int passes, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        var thread = FindVcpu(side);
        var first = PassesOf(side);
        var start = Stopwatch.GetTimestamp();
        var (ranBefore, waitedBefore) = TimesOf(side, thread);
        var gone = 0;
        await Poll.UntilAsync(side.Name, $"the guest to make {passes} passes", _ =>
        {
            gone = (ushort)(PassesOf(side) - first);
            return Task.FromResult(gone >= passes ? side : null);
        }, () => $"{gone} passes", side.Process.Options.Limits.Step, ct);
        var (ran, waited) = TimesOf(side, thread);
        var elapsed = Stopwatch.GetElapsedTime(start);
        var running = ran - ranBefore;
        var asleep = elapsed - running - (waited - waitedBefore);
        return new(running / gone, asleep > TimeSpan.Zero ? asleep / (asleep + running) : 0);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{CpuPerPass.TotalMilliseconds:0.0} ms of processor time for a pass, asleep for {Asleep:P0} of the time for which it had a processor or wanted none");

    private static ushort PassesOf(MigrationSide side)
    {
        var page = side.Program.Settings.RegionStart;
        var counters = side.Process.QTest!.Read(page, CounterBytes);
        return PageLayout.PassesOf(counters) ?? throw new GuestException($"{side.Name}: the counters of the page at 0x{page:x} are of no pass: {Convert.ToHexStringLower(counters)}");
    }

    // Threads have names: QEMU is started with debug-threads=on.
    private static string FindVcpu(MigrationSide side)
    {
        var tasks = $"/proc/{side.Process.Child.Id}/task";
        return Directory.EnumerateDirectories(tasks).FirstOrDefault(task => File.ReadAllText($"{task}/comm").StartsWith(VcpuName, StringComparison.Ordinal))
            ?? throw new QemuMigTestException($"{side.Name}: no thread in {tasks} is called {VcpuName}…");
    }

    private static (TimeSpan Ran, TimeSpan Waited) TimesOf(MigrationSide side, string thread) =>
        ThreadTimes.Of(thread) ?? throw new QemuMigTestException($"{side.Name}: its vCPU's thread {thread} has ended; {side.Process.LastSeen()}");
}
