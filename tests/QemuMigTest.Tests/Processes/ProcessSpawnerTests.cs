using System.Globalization;
using Mono.Unix.Native;
using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class ProcessSpawnerTests
{
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
    public async Task An_exit_code_and_a_signal_are_told_apart()
    {
        var exited = await RunAsync("exit 3");
        (exited.Code, exited.Signal, exited.IsSuccess, exited.ToString()).ShouldBe((3, null, false, "exit code 3"));
        var crashed = await RunAsync("kill -SEGV $$");
        (crashed.Code, crashed.Signal, crashed.IsSuccess, crashed.ToString()).ShouldBe((null, 11, false, "signal 11 (SIGSEGV)"));
        (await RunAsync("exit 0")).IsSuccess.ShouldBeTrue();
    }

    [Test]
    public async Task SIGPIPE_ends_a_child_although_this_process_ignores_it() => (await RunAsync("kill -PIPE $$; exit 7")).Signal.ShouldBe((int)Signum.SIGPIPE);

    [Test]
    public async Task Output_and_errors_are_kept_and_the_environment_is_added_to()
    {
        Environment.GetEnvironmentVariable("PATH").ShouldNotBeNullOrEmpty();
        await RunAsync("echo $ADDED; echo $PATH >&2", new() { ["ADDED"] = "a 'b' $c" });
        (await File.ReadAllTextAsync(Output)).ShouldBe($"a 'b' $c\n{Environment.GetEnvironmentVariable("PATH")}\n");
    }

    [Test]
    public async Task Arguments_reach_the_program_as_they_are()
    {
        var child = await _spawner.StartAsync(new() { FileName = "/bin/sh", Arguments = ["-c", "printf '%s|' \"$@\"", "sh", "", "a b", "$HOME", "--", "é"], OutputFile = Output });
        await child.Exited.WaitAsync(Long);
        (await File.ReadAllTextAsync(Output)).ShouldBe("|a b|$HOME|--|é|");
    }

    [Test]
    public async Task A_child_leads_its_own_group_and_inherits_only_its_standard_descriptors()
    {
        var leaked = Syscall.open("/dev/zero", OpenFlags.O_RDONLY);
        try
        {
            leaked.ShouldBeGreaterThan(2);
            var child = await StartAsync("echo ready; exec sleep 60");
            await Poll.UntilAsync("child", "its output", _ => Task.FromResult(new FileInfo(Output).Length > 0 ? this : null), () => "none", Long, CancellationToken.None);

            var entry = ProcessEntry.ReadAll().Single(process => process.Id == child.Id);
            (entry.Group, entry.Parent).ShouldBe((child.Id, Environment.ProcessId));
            // A program that begins has its libraries open for a moment; what it inherited stays.
            var descriptors = "";
            await Poll.UntilAsync("child", "no descriptors but its standard three",
                _ => Task.FromResult((descriptors = Describe(child.Id)) == $"0 /dev/null, 1 {Output}, 2 {Output}" ? this : null), () => descriptors, Long, CancellationToken.None);
            child.DescribeState().ShouldBeOneOf("sleeping", "running");
            child.Kill().ShouldBeTrue();
        }
        finally
        {
            Syscall.close(leaked).ShouldBe(0);
        }
    }

    private static string Describe(int process) =>
        string.Join(", ", new DirectoryInfo($"/proc/{process}/fd").EnumerateFileSystemInfos().OrderBy(fd => fd.Name, StringComparer.Ordinal).Select(fd => $"{fd.Name} {fd.LinkTarget}"));

    [Test]
    public async Task A_program_that_does_not_exist_ends_at_once_and_its_output_names_it()
    {
        var child = await _spawner.StartAsync(new() { FileName = "/nonexistent/qemu", OutputFile = Output });
        (await child.Exited.WaitAsync(Long)).Code.ShouldBe(127);
        (await File.ReadAllTextAsync(Output)).ShouldContain("/nonexistent/qemu");
    }

    [Test]
    public async Task An_output_file_that_cannot_be_made_is_an_error_that_names_it()
    {
        var command = new ChildCommand { FileName = "/bin/true", OutputFile = _folder.File("missing/output") };
        (await Should.ThrowAsync<QemuStartException>(() => _spawner.StartAsync(command))).Message.ShouldContain(command.OutputFile);
    }

    [Test]
    public async Task A_child_that_has_ended_cannot_be_killed_any_more()
    {
        var child = await StartAsync("exit 0");
        await child.Exited.WaitAsync(Long);
        child.Kill().ShouldBeFalse();
        child.Signal(Signum.SIGTERM).ShouldBeFalse();
        child.DescribeState().ShouldBe("ended with exit code 0");
    }

    [Test]
    public async Task What_a_child_leaves_in_its_group_can_still_be_killed()
    {
        var child = await StartAsync("sleep 60 & exit 0");
        await child.Exited.WaitAsync(Long);
        ProcessEntry.ReadAll().ShouldContain(process => process.Group == child.Id);
        child.Kill().ShouldBeTrue();
        await Poll.UntilAsync("child", "the end of its group", _ => Task.FromResult(child.Kill() ? null : this), () => "alive", Long, CancellationToken.None);
    }

    [Test]
    public async Task A_child_that_was_stopped_says_so_and_can_be_killed()
    {
        var child = await StartAsync("exec sleep 60");
        child.Signal(Signum.SIGSTOP).ShouldBeTrue();
        await Poll.UntilAsync("child", "its stop", _ => Task.FromResult(child.DescribeState() == "stopped by a signal" ? this : null), child.DescribeState, Long, CancellationToken.None);
        child.Kill().ShouldBeTrue();
        (await child.Exited.WaitAsync(Long)).Signal.ShouldBe((int)Signum.SIGKILL);
    }

    [Test]
    public async Task All_children_are_killed_by_KillAll_and_by_the_end_of_the_spawner()
    {
        var first = await StartAsync("exec sleep 60");
        var second = await StartAsync("exec sleep 60");
        _spawner.Alive.ShouldBe([first, second], ignoreOrder: true);
        _spawner.KillAll();
        (await Task.WhenAll(first.Exited, second.Exited).WaitAsync(Long)).ShouldAllBe(status => status.Signal == (int)Signum.SIGKILL);

        var third = await StartAsync("exec sleep 60");
        _spawner.Dispose();
        third.Exited.IsCompleted.ShouldBeTrue();
        await Should.ThrowAsync<ObjectDisposedException>(() => StartAsync("exit 0"));
    }

    [Test]
    public async Task The_kernel_kills_children_whose_parent_was_killed()
    {
        // A parent that is killed: a shell that ties its child to its own life as the spawner does to this process's.
        var parent = await StartAsync("setpriv --pdeathsig KILL -- sleep 60 & echo $!; wait");
        var child = await Poll.UntilAsync("parent", "its child's id", async ct => await File.ReadAllTextAsync(Output, ct) is { Length: > 0 } id ? id.Trim() : null, () => "none", Long, CancellationToken.None);
        await Poll.UntilAsync("child", "its start", async ct => await File.ReadAllTextAsync($"/proc/{child}/comm", ct) == "sleep\n" ? this : null, () => "setpriv", Long, CancellationToken.None);
        parent.Signal(Signum.SIGKILL).ShouldBeTrue();
        var ended = int.Parse(child, CultureInfo.InvariantCulture);
        await Poll.UntilAsync("child", "its end", _ => Task.FromResult(ProcessEntry.ReadAll().TrueForAll(process => process.Id != ended || process.HasEnded) ? this : null), () => "alive", Long, CancellationToken.None);
    }

    private string Output => _folder.File("output");

    private Task<ChildProcess> StartAsync(string script, Dictionary<string, string>? environment = null) =>
        _spawner.StartAsync(new() { FileName = "/bin/sh", Arguments = ["-c", script], Environment = environment ?? [], OutputFile = Output });

    private async Task<ExitStatus> RunAsync(string script, Dictionary<string, string>? environment = null) =>
        await (await StartAsync(script, environment)).Exited.WaitAsync(Long);
}
