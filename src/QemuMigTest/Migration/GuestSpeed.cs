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
    private const string VcpuName = "CPU ";
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(1);

    /// <summary>Measures it over some passes of a guest that runs.</summary>
    /// <param name="side">Where it runs.</param>
    /// <param name="passes">How many passes, 1 or more; one takes some milliseconds.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="WaitTimeoutException">The guest does not come that far.</exception>
    public static async Task<GuestSpeed> MeasureAsync(MigrationSide side, int passes, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        var thread = FindVcpus(side)[0];
        var first = await LookAsync(side, thread, "a look at the guest's passes", _ => true, ct);
        var last = await LookAsync(side, thread, $"the guest to make {passes} passes", look => Passes(first, look) >= passes, ct);
        var running = last.Ran - first.Ran;
        return new(running / Passes(first, last), PartAsleep(Stopwatch.GetElapsedTime(first.At, last.At), running, last.Waited - first.Waited));
    }

    /// <summary>Measures how long each vCPU's thread did not want to run (<see cref="Asleep"/>), in the order of their numbers.</summary>
    /// <param name="side">Where the guest is.</param>
    /// <param name="window">For how long.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<IReadOnlyList<double>> AsleepAsync(MigrationSide side, TimeSpan window, CancellationToken ct)
    {
        var before = FindVcpus(side).Select(thread => (Thread: thread, Start: Stopwatch.GetTimestamp(), Times: TimesOf(side, thread))).ToList();
        await Poll.UntilAsync(side.Name, $"{window.TotalSeconds} s to pass", _ => Task.FromResult(Stopwatch.GetElapsedTime(before[^1].Start) >= window ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Step, ct);
        return [.. before.Select(vcpu =>
        {
            var (ran, waited) = TimesOf(side, vcpu.Thread);
            return PartAsleep(Stopwatch.GetElapsedTime(vcpu.Start), ran - vcpu.Times.Ran, waited - vcpu.Times.Waited);
        })];
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{CpuPerPass.TotalMilliseconds:0.0} ms of processor time for a pass, asleep for {Asleep:P0} of the time for which it had a processor or wanted none");

    private static int Passes(Look first, Look last) => (ushort)(last.Passes - first.Passes);

    // What the vCPU does between two looks at its times would be counted for one of them: who looks waits for a processor too.
    private static async Task<Look> LookAsync(MigrationSide side, string thread, string what, Func<Look, bool> isWanted, CancellationToken ct)
    {
        Look? seen = null;
        return await Poll.UntilAsync(side.Name, what, _ =>
        {
            var before = TimesOf(side, thread);
            var (passes, at) = (PassesOf(side), Stopwatch.GetTimestamp());
            var after = TimesOf(side, thread);
            seen = new(passes, at, after.Ran, after.Waited);
            return Task.FromResult(after.Ran - before.Ran < AtOnce && isWanted(seen) ? seen : null);
        }, () => $"{seen}", side.Process.Options.Limits.Step, ct);
    }

    private static ushort PassesOf(MigrationSide side)
    {
        var page = side.Program.Settings.RegionStart;
        var counters = side.Process.QTest!.Read(page, CounterBytes);
        return PageLayout.PassesOf(counters) ?? throw new GuestException($"{side.Name}: the counters of the page at 0x{page:x} are of no pass: {Convert.ToHexStringLower(counters)}");
    }

    // Threads have names: QEMU is started with debug-threads=on.
    private static List<string> FindVcpus(MigrationSide side)
    {
        var tasks = $"/proc/{side.Process.Child.Id}/task";
        return Directory.EnumerateDirectories(tasks).Select(task => (Task: task, Name: ProcessResources.NameOf(task)))
            .Where(task => task.Name?.StartsWith(VcpuName, StringComparison.Ordinal) == true).OrderBy(task => task.Name, StringComparer.Ordinal).Select(task => task.Task).ToList() is { Count: > 0 } vcpus
            ? vcpus
            : throw new QemuMigTestException($"{side.Name}: no thread in {tasks} is called {VcpuName}…");
    }

    private static double PartAsleep(TimeSpan elapsed, TimeSpan running, TimeSpan waited) => elapsed - running - waited is var asleep && asleep > TimeSpan.Zero ? asleep / (asleep + running) : 0;

    private static (TimeSpan Ran, TimeSpan Waited) TimesOf(MigrationSide side, string thread) =>
        ThreadTimes.Of(thread) ?? throw new QemuMigTestException($"{side.Name}: its vCPU's thread {thread} has ended; {side.Process.LastSeen()}");

    private sealed record Look(ushort Passes, long At, TimeSpan Ran, TimeSpan Waited);
}
