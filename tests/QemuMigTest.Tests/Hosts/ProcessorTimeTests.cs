using System.Diagnostics;
using NUnit.Framework;
using QemuMigTest.Hosts;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class ProcessorTimeTests
{
    [Test]
    public void Our_own_time_is_that_which_the_framework_says()
    {
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;

        var time = ProcessorTime.OfThisProcess();

        self.Refresh();
        time.Own.ShouldBeInRange(before - TimeSpan.FromMilliseconds(50), self.TotalProcessorTime + TimeSpan.FromMilliseconds(50));
    }

    [Test]
    public async Task The_time_of_a_child_counts_once_it_has_ended(CancellationToken ct)
    {
        var before = ProcessorTime.OfThisProcess();

        using var child = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"]))!;
        await child.WaitForExitAsync(ct);

        (ProcessorTime.OfThisProcess().Children - before.Children).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(5));
    }
}
