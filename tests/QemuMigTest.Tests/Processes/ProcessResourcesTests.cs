using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class ProcessResourcesTests
{
    private const string Unnamed = ProcessResources.Unnamed;

    [TestCase("qemu call_rcu", "qemu call_rcu", "")]
    [TestCase("qemu call_rcu", "qemu", "1 thread 'call_rcu' more")]
    [TestCase("qemu", "qemu call_rcu", "1 thread 'call_rcu' less")]
    [TestCase("qemu call_rcu", $"qemu {Unnamed}", "")]
    [TestCase("qemu call_rcu multifd multifd", $"qemu {Unnamed}", "2 threads 'multifd' more")]
    [TestCase("qemu call_rcu", $"qemu {Unnamed} {Unnamed}", "")]
    [TestCase($"qemu {Unnamed}", "qemu", $"1 thread '{Unnamed}' more")]
    public void A_thread_that_had_no_name_yet_may_have_any_by_now(string now, string before, string differences) =>
        string.Join(", ", Threads(now).DifferencesFrom(Threads(before))).ShouldBe(differences);

    [Test]
    public void What_a_process_has_is_read()
    {
        var own = ProcessResources.Read(Environment.ProcessId).ShouldNotBeNull();
        own.DescriptorCount.ShouldBePositive();
        own.Threads.Values.Sum().ShouldBePositive();
    }

    [Test]
    public async Task A_child_that_has_ended_and_was_not_reaped_is_told(CancellationToken ct)
    {
        using var folder = new TempFolder();
        using var spawner = new ProcessSpawner();
        // The shell becomes a program that reaps nobody.
        var parent = await spawner.StartAsync(new() { FileName = "/bin/sh", Arguments = ["-c", "sleep 0 & exec sleep 60"], OutputFile = folder.File("output") });
        var none = new ProcessResources(new Dictionary<string, int>(), new Dictionary<string, int>(), new Dictionary<string, int>());
        IReadOnlyList<string> seen = [];
        await Poll.UntilAsync("child", "a child of its own", _ =>
        {
            seen = ProcessResources.Read(parent.Id)?.DifferencesFrom(none) ?? [];
            return Task.FromResult(seen.Contains("1 child process 'sleep' more") && ProcessEntry.ReadAll().Exists(process => process.Parent == parent.Id && process.HasEnded) ? this : null);
        }, () => string.Join(", ", seen), TimeSpan.FromSeconds(20), ct);
    }

    [Test]
    public void A_process_that_is_not_there_has_nothing() => ProcessResources.Read(int.MaxValue).ShouldBeNull();

    private static ProcessResources Threads(string names) => new(new Dictionary<string, int>(), names.Split(' ').CountBy(name => name).ToDictionary(), new Dictionary<string, int>());
}
