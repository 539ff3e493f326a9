using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class ThreadTimesTests
{
    private const int None = int.MaxValue;

    [Test, CancelAfter(30_000)]
    public async Task A_thread_that_goes_round_and_round_is_busy_and_one_that_sleeps_is_not(CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var spinner = Start("spinner", () =>
        {
            while (!stop.IsCancellationRequested)
            {
            }
        });
        var sleeper = Start("sleeper", () => stop.Token.WaitHandle.WaitOne());
        var before = ThreadTimes.Read(Environment.ProcessId).ShouldNotBeNull();
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, ct);
        var busy = ThreadTimes.Read(Environment.ProcessId).ShouldNotBeNull().BusySince(before, 0.5);
        await stop.CancelAsync();
        spinner.Join();
        sleeper.Join();
        busy.ShouldContain("'spinner'");
        busy.ShouldNotContain("'sleeper'");
    }

    [Test]
    public void A_process_that_has_ended_has_none() => ThreadTimes.Read(None).ShouldBeNull();

    [Test]
    public void A_thread_that_has_ended_has_none() => ThreadTimes.Of($"/proc/self/task/{None}").ShouldBeNull();

    private static Thread Start(string name, ThreadStart body)
    {
        var thread = new Thread(body) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }
}
