using Mono.Unix.Native;
using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class HeldThreadsTests
{
    // clock_nanosleep of Linux on x86-64.
    private const int Sleep = 230;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);
    private readonly TempFolder _folder = new();
    private readonly ProcessSpawner _spawner = new();

    [TearDown]
    public void End()
    {
        _spawner.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task A_thread_stands_still_until_it_is_let_go()
    {
        var child = await SleepAsync();
        using (var held = await HeldThreads.HoldAsync(child.Id, name => name == "sleep"))
        {
            held.Names.ShouldBe(["sleep"]);
            child.DescribeState().ShouldBe("stopped by a signal");
        }

        await UntilAsync("its sleep", () => child.DescribeState() == "sleeping", child.DescribeState);
    }

    [Test]
    public async Task Threads_of_other_names_go_on()
    {
        var child = await SleepAsync();
        using var held = await HeldThreads.HoldAsync(child.Id, name => name == "another");
        held.Names.ShouldBeEmpty();
        child.DescribeState().ShouldBe("sleeping");
    }

    [Test]
    public async Task A_process_that_is_killed_meanwhile_ends()
    {
        var child = await SleepAsync();
        using var held = await HeldThreads.HoldAsync(child.Id, _ => true);
        child.Kill().ShouldBeTrue();
        (await child.Exited.WaitAsync(Long)).Signal.ShouldBe((int)Signum.SIGKILL);
    }

    [Test]
    public async Task One_that_has_ended_has_no_threads()
    {
        await Should.ThrowAsync<DirectoryNotFoundException>(() => HeldThreads.HoldAsync(int.MaxValue, _ => true));
        ThreadCalls.Read(int.MaxValue).ShouldBeEmpty();
    }

    private async Task<ChildProcess> SleepAsync()
    {
        var child = await _spawner.StartAsync(new() { FileName = "/bin/sleep", Arguments = ["60"], OutputFile = _folder.File("output") });
        await UntilAsync("its sleep", () => ThreadCalls.Read(child.Id) is [("sleep", Sleep)], child.DescribeState);
        return child;
    }

    private Task UntilAsync(string what, Func<bool> reached, Func<string> lastSeen) =>
        Poll.UntilAsync("child", what, _ => Task.FromResult(reached() ? this : null), lastSeen, Long, CancellationToken.None);
}
