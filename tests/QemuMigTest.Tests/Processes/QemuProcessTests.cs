using System.Net.Sockets;
using System.Text;
using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;
using QemuMigTest.Tests.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

/// <summary>What becomes of a QEMU that is none: a shell script in its place, and a peer in this process that connects for it.</summary>
public sealed class QemuProcessTests
{
    private static readonly TimeLimits Limits = new() { Start = TimeSpan.FromSeconds(10) };
    private readonly TempFolder _folder = new();
    private readonly ProcessSpawner _spawner = new();
    private ScratchDirectory _scratch = null!;

    [SetUp]
    public void Begin() => _scratch = ScratchDirectory.CreateRoot(_folder.Path);

    [TearDown]
    public void End()
    {
        _spawner.Alive.ShouldBeEmpty("a start that failed, and an end, must leave no process");
        _spawner.Dispose();
        _scratch.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task A_program_that_ends_at_once_is_told_by_its_exit_and_what_it_wrote()
    {
        var failed = await Should.ThrowAsync<QemuStartException>(() => StartAsync("echo unsupported machine type >&2; exit 1"));
        failed.Message.ShouldBe("source: fake ended with exit code 1 before its QMP connection was there; it wrote: unsupported machine type");
    }

    [TestCase("exit 0", "exit code 0")]
    [TestCase("kill -ABRT $$", "signal 6 (SIGABRT)")]
    public async Task A_program_that_ends_without_a_word_is_told_by_its_exit(string script, string end) =>
        (await Should.ThrowAsync<QemuStartException>(() => StartAsync(script))).Message
            .ShouldBe($"source: fake ended with {end} before its QMP connection was there; it wrote nothing");

    [Test]
    public async Task A_program_that_cannot_be_executed_is_named()
    {
        var text = _folder.File("text");
        await File.WriteAllTextAsync(text, "no program");
        var failed = await Should.ThrowAsync<QemuStartException>(() => QemuProcess.StartAsync(Options(QemuLaunch.OfBinary(text)), _spawner, CancellationToken.None));
        failed.Message.ShouldContain($"source: {text} ended with exit code 126");
        failed.Message.ShouldContain("Permission denied");
    }

    [Test]
    public async Task A_program_that_never_connects_times_out_and_its_state_is_told()
    {
        // Output is appended: so it is there in time, however slow the machine is.
        await File.WriteAllTextAsync(_scratch.File("source.stderr"), "thinking\n");
        var late = await Should.ThrowAsync<WaitTimeoutException>(() => StartAsync("exec sleep 60", Limits with { Start = TimeSpan.FromSeconds(0.2) }));
        (late.Side, late.What).ShouldBe(("source", "its QMP connection"));
        late.LastSeen.ShouldContain("fake, process");
        late.LastSeen.ShouldContain("it wrote: thinking");
    }

    [Test]
    public async Task A_start_that_is_cancelled_ends_the_program()
    {
        using var cancellation = new CancellationTokenSource();
        var starting = QemuProcess.StartAsync(Options(Script("exec sleep 60")), _spawner, cancellation.Token);
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => starting);
    }

    [Test]
    public async Task A_program_that_speaks_no_QMP_is_told_with_what_it_said()
    {
        var starting = StartAsync("exec sleep 60", Limits with { Reap = TimeSpan.FromMilliseconds(50) });
        using var peer = await ConnectAsync();
        await peer.SendAsync("HTTP/1.1 400 Bad Request\r\n"u8.ToArray());
        var failed = await Should.ThrowAsync<QemuStartException>(() => starting);
        failed.Message.ShouldStartWith("source: fake speaks no QMP: ");
        failed.Message.ShouldContain("HTTP/1.1 400 Bad Request");
    }

    [Test]
    public async Task A_QEMU_that_ends_before_it_greets_is_told_by_its_exit_and_not_by_the_lost_connection()
    {
        var starting = StartAsync("read line < \"$1\"; echo could not open disk >&2; exit 1", arguments: [Fifo()]);
        using (await ConnectAsync())
        {
        }

        await LetGoAsync();
        (await Should.ThrowAsync<QemuStartException>(() => starting)).Message
            .ShouldBe("source: fake ended with exit code 1 before its QMP greeting was there; it wrote: could not open disk");
    }

    [Test]
    public async Task A_QEMU_that_dies_in_the_middle_of_a_reply_is_named_with_its_end()
    {
        var (qemu, peer) = await StartedAsync("read line < \"$1\"; echo assertion failed >&2; kill -ABRT $$", Fifo());
        await using (qemu)
        {
            var asking = qemu.ExecuteAsync("query-status", null, CancellationToken.None);
            await ReadLineAsync(peer);
            await peer.SendAsync("""{"return": {"status": "run"""u8.ToArray());
            await LetGoAsync();
            peer.Dispose();
            var died = await Should.ThrowAsync<QemuExitedException>(() => asking);
            (died.Name, died.Status.Signal, died.Stderr).ShouldBe(("source", 6, "assertion failed"));
            died.Message.ShouldContain("during query-status");
        }
    }

    [Test]
    public async Task A_QEMU_that_does_not_answer_is_named_with_what_was_waited_for_and_seen_last()
    {
        var (qemu, peer) = await StartedAsync("exec sleep 60");
        using (peer)
        await using (qemu)
        {
            await peer.SendAsync(Encoding.UTF8.GetBytes("""{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}""" + "\n"));
            await qemu.WaitForEventAsync(e => e.Name == "STOP", 0, "STOP", CancellationToken.None);
            // The shell may still be on its way to its sleep.
            var sleeper = _spawner.Alive.ShouldHaveSingleItem();
            await Poll.UntilAsync("test", "its sleep",
                async ct => await File.ReadAllTextAsync($"/proc/{sleeper.Id}/comm", ct) == "sleep\n" && sleeper.DescribeState() == "sleeping" ? this : null,
                sleeper.DescribeState, Limits.Start, CancellationToken.None);
            var late = await Should.ThrowAsync<WaitTimeoutException>(() =>
                qemu.WhileAliveAsync("query-status", TimeSpan.FromMilliseconds(50), token => qemu.Qmp.ExecuteAsync("query-status", null, token), CancellationToken.None));
            late.Side.ShouldBe("source");
            late.Message.ShouldStartWith("source: waited 0.1 s for query-status; last seen: event STOP");
            late.LastSeen.ShouldEndWith("process sleeping");
        }
    }

    [Test]
    public async Task A_prober_says_that_it_was_given_no_QEMU()
    {
        var prober = new QemuProber(_spawner, _scratch, Limits, new ProbeCache(_folder.File("cache")));
        var failed = await Should.ThrowAsync<QemuStartException>(() => prober.ProbeAsync(QemuLaunch.OfBinary("/bin/true"), CancellationToken.None));
        failed.Message.ShouldBe("/bin/true does not answer as a QEMU does. Is it a qemu-system-x86_64? "
            + "probe: /bin/true ended with exit code 0 before its QMP connection was there; it wrote nothing");
        Directory.Exists(_folder.File("cache")).ShouldBeFalse("what failed must not be remembered");
    }

    [Test]
    public async Task A_prober_says_that_answers_of_another_shape_are_no_QEMUs()
    {
        var prober = new QemuProber(_spawner, _scratch, Limits, new ProbeCache(_folder.File("cache")));
        var probing = prober.ProbeAsync(Script("exec sleep 60"), CancellationToken.None);
        using var peer = await ConnectAsync("1-probe/probe.qmp");
        await GreetAsync(peer);
        (await ReadLineAsync(peer)).ShouldContain("query-qmp-schema");
        await peer.SendAsync("{\"return\": [{}], \"id\": 2}\r\n"u8.ToArray());
        (await Should.ThrowAsync<QemuStartException>(() => probing)).Message.ShouldStartWith("fake does not answer as a QEMU does. Is it a qemu-system-x86_64? ");
    }

    [Test]
    public async Task A_command_line_that_cannot_be_written_names_the_folder_and_the_remedy()
    {
        Directory.CreateDirectory(_scratch.File("source.cmd"));
        (await Should.ThrowAsync<ScratchWriteException>(() => StartAsync("exec sleep 60"))).Message.ShouldSatisfyAllConditions(
            message => message.ShouldStartWith($"The scratch folder {_scratch.Path} cannot be written to: "),
            message => message.ShouldEndWith($" Make room there, or set {ScratchDirectory.Variable} to another folder."));
    }

    [Test]
    public async Task A_transcript_on_a_full_disk_names_the_folder_and_the_remedy()
    {
        File.CreateSymbolicLink(_scratch.File("source.qmp.log"), "/dev/full");
        var starting = StartAsync("exec sleep 60");
        using var peer = await ConnectAsync();
        await peer.SendAsync(Encoding.UTF8.GetBytes(ScriptedQmpPeer.GreetingWithoutOob + "\r\n"));
        var failed = await Should.ThrowAsync<ScratchWriteException>(() => starting);
        failed.Message.ShouldContain("No space left on device");
        failed.Message.ShouldContain(_scratch.Path);
    }

    [Test]
    public async Task A_prober_with_a_full_disk_does_not_blame_the_QEMU()
    {
        var prober = new QemuProber(_spawner, _scratch, Limits, new ProbeCache(_folder.File("cache")));
        var probing = prober.ProbeAsync(Script("exec sleep 60"), CancellationToken.None);
        File.CreateSymbolicLink(_scratch.File("1-probe/probe.qmp.log"), "/dev/full");
        using var peer = await ConnectAsync("1-probe/probe.qmp");
        await peer.SendAsync(Encoding.UTF8.GetBytes(ScriptedQmpPeer.GreetingWithoutOob + "\r\n"));
        (await Should.ThrowAsync<ScratchWriteException>(() => probing)).Message.ShouldStartWith("The scratch folder ");
    }

    private string Fifo()
    {
        var path = _folder.File("fifo");
        Mono.Unix.Native.Syscall.mkfifo(path, Mono.Unix.Native.FilePermissions.S_IRUSR | Mono.Unix.Native.FilePermissions.S_IWUSR).ShouldBe(0);
        return path;
    }

    // Opening a fifo waits for its reader: by then the script is where it shall go on.
    private Task LetGoAsync() => Task.Run(() => File.WriteAllText(_folder.File("fifo"), "go\n"));

    private async Task<(QemuProcess Qemu, Socket Peer)> StartedAsync(string script, params string[] arguments)
    {
        var starting = StartAsync(script, arguments: arguments);
        var peer = await ConnectAsync();
        await GreetAsync(peer);
        return (await starting, peer);
    }

    private static async Task GreetAsync(Socket peer)
    {
        await peer.SendAsync(Encoding.UTF8.GetBytes(ScriptedQmpPeer.GreetingWithoutOob + "\r\n"));
        (await ReadLineAsync(peer)).ShouldContain("qmp_capabilities");
        await peer.SendAsync("{\"return\": {}, \"id\": 1}\r\n"u8.ToArray());
    }

    private async Task<Socket> ConnectAsync(string name = "source.qmp")
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = _scratch.File(name);
        await Poll.UntilAsync("test", "the monitor's socket", _ => Task.FromResult(File.Exists(path) ? this : null), () => "none", Limits.Start, CancellationToken.None);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static async Task<string> ReadLineAsync(Socket socket)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (line.Length == 0 || line[^1] != '\n')
        {
            (await socket.ReceiveAsync(one)).ShouldBe(1, $"the connection ended after: {line}");
            line.Append((char)one[0]);
        }

        return line.ToString();
    }

    private Task<QemuProcess> StartAsync(string script, TimeLimits? limits = null, params string[] arguments) =>
        QemuProcess.StartAsync(Options(Script(script, arguments)) with { Limits = limits ?? Limits }, _spawner, CancellationToken.None);

    private static QemuLaunch Script(string script, params string[] arguments) =>
        new() { Name = "fake", Executable = "/bin/sh", FileName = "/bin/sh", PrefixArguments = ["-c", script, "fake", .. arguments] };

    private QemuProcessOptions Options(QemuLaunch launch) => new()
    {
        Name = "source",
        Launch = launch,
        CommandLine = new(),
        Scratch = _scratch,
        Limits = Limits,
        QTest = false,
        Serial = false,
    };
}
