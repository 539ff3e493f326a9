using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Qmp;
using QemuMigTest.QTest;

namespace QemuMigTest.Processes;

/// <summary>A running QEMU with its connections: QMP, qtest and the first serial port.</summary>
public sealed class QemuProcess : IAsyncDisposable
{
    private const int StderrTail = 4000;
    private readonly QemuProcessOptions _options;
    private readonly TextWriter _transcript;

    private QemuProcess(QemuProcessOptions options, ChildProcess child, QmpClient qmp, QTestClient? qtest, Socket? serial, TextWriter transcript)
    {
        _options = options;
        _transcript = transcript;
        Child = child;
        Qmp = qmp;
        QTest = qtest;
        SerialSocket = serial;
    }

    /// <summary>"source" or "destination", as errors and files call it.</summary>
    public string Name => _options.Name;

    /// <summary>What it was started with.</summary>
    public QemuProcessOptions Options => _options;

    /// <summary>The process.</summary>
    public ChildProcess Child { get; }

    /// <summary>Its monitor.</summary>
    public QmpClient Qmp { get; }

    /// <summary>Its qtest connection.</summary>
    public QTestClient? QTest { get; }

    /// <summary>Completes when the process has ended.</summary>
    public Task<ExitStatus> Exited => Child.Exited;

    /// <summary>The end of what it wrote to standard output and error.</summary>
    public string Stderr => Tail(StderrFile(_options));

    internal Socket? SerialSocket { get; }

    /// <summary>Starts a QEMU and waits until all its connections stand and QMP is agreed on.</summary>
    /// <exception cref="QemuStartException">It could not be started, ended before it connected, or speaks no QMP.</exception>
    /// <exception cref="WaitTimeoutException">It did not connect in time.</exception>
    public static async Task<QemuProcess> StartAsync(QemuProcessOptions options, ProcessSpawner spawner, CancellationToken ct)
    {
        var scratch = options.Scratch;
        await using var qmpListener = QmpListener.Bind(scratch.File($"{options.Name}.qmp"));
        await using var qtestListener = options.QTest ? QmpListener.Bind(scratch.File($"{options.Name}.qtest")) : null;
        await using var serialListener = options.Serial ? QmpListener.Bind(scratch.File($"{options.Name}.serial")) : null;

        var arguments = Connections(options).Arguments;
        await File.WriteAllTextAsync(scratch.File($"{options.Name}.cmd"),
            QemuCommandLine.Quote([.. options.Launch.Environment.Select(e => $"{e.Key}={e.Value}"), options.Launch.FileName, .. arguments]) + "\n", ct);
        var child = await spawner.StartAsync(new ChildCommand
        {
            FileName = options.Launch.FileName,
            Arguments = arguments,
            Environment = options.Launch.Environment,
            OutputFile = StderrFile(options),
        });

        var sockets = new List<Socket>();
        var transcript = TextWriter.Null;
        try
        {
            async Task<Socket> Accept(QmpListener listener, string what)
            {
                var socket = await UnlessExited(options, child, listener.AcceptAsync, $"its {what} connection", ct);
                lock (sockets)
                {
                    sockets.Add(socket);
                }

                return socket;
            }

            var qmpAccepted = Accept(qmpListener, "QMP");
            var qtestAccepted = qtestListener is null ? null : Accept(qtestListener, "qtest");
            var serialAccepted = serialListener is null ? null : Accept(serialListener, "serial");
            // QEMU opens them in an order of its own; wait for all so that none is left in the air when one fails.
            await Task.WhenAll(new[] { qmpAccepted, qtestAccepted, serialAccepted }.OfType<Task>());

            transcript = new StreamWriter(scratch.File($"{options.Name}.qmp.log")) { AutoFlush = true };
            transcript = options.Log is null ? transcript : new TeeWriter(transcript, options.Log);
            var qmpOptions = new QmpClientOptions { Name = options.Name, Transcript = transcript };
            var qmp = await UnlessExited(options, child, async token => await QmpClient.ConnectAsync(await qmpAccepted, qmpOptions, token), "its QMP greeting", ct);
            var qtest = qtestAccepted is null ? null : new QTestClient(await qtestAccepted, options.Name) { Timeout = options.Limits.Command };
            return new QemuProcess(options, child, qmp, qtest, serialAccepted is null ? null : await serialAccepted, transcript);
        }
        catch
        {
            child.Kill();
            sockets.ForEach(socket => socket.Dispose());
            await transcript.DisposeAsync();
            // One that the kernel cannot end yet must not hide why it was killed.
            await Task.WhenAny(child.Exited, Task.Delay(options.Limits.Kill, TimeProvider.System, CancellationToken.None));
            throw;
        }
    }

    /// <summary>Executes a QMP command.</summary>
    /// <exception cref="QmpCommandException">QEMU refused it.</exception>
    /// <exception cref="QemuExitedException">QEMU ended before it answered.</exception>
    /// <exception cref="WaitTimeoutException">QEMU did not answer in time.</exception>
    public Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, CancellationToken ct) =>
        WhileAliveAsync(command, _options.Limits.Command, token => Qmp.ExecuteAsync(command, arguments, token), ct);

    /// <summary>Executes a QMP command out of band: it is answered even while QEMU's main loop is busy. Throws as <see cref="ExecuteAsync"/>.</summary>
    public Task<JsonElement> ExecuteOutOfBandAsync(string command, JsonObject? arguments, CancellationToken ct) =>
        WhileAliveAsync(command, _options.Limits.Command, token => Qmp.ExecuteOutOfBandAsync(command, arguments, token), ct);

    /// <summary>Executes a QMP command and hands QEMU a file descriptor with it. Throws as <see cref="ExecuteAsync"/>.</summary>
    public Task<JsonElement> ExecuteWithDescriptorAsync(string command, JsonObject? arguments, System.Runtime.InteropServices.SafeHandle descriptor, CancellationToken ct) =>
        WhileAliveAsync(command, _options.Limits.Command, token => Qmp.ExecuteWithDescriptorAsync(command, arguments, descriptor, token), ct);

    /// <summary>Waits for the first event at or after a position of the log. Throws as <see cref="ExecuteAsync"/>.</summary>
    public Task<QmpEvent> WaitForEventAsync(Func<QmpEvent, bool> match, int from, string what, CancellationToken ct) =>
        WhileAliveAsync(what, _options.Limits.Step, token => Qmp.Events.WaitAsync(match, from, what, token), ct);

    /// <summary>Bounds a wait on this QEMU in time, and turns the loss of its connection into how it ended.</summary>
    public async Task<T> WhileAliveAsync<T>(string what, TimeSpan limit, Func<CancellationToken, Task<T>> wait, CancellationToken ct)
    {
        try
        {
            return await Deadline.WithinAsync(limit, wait, () => new WaitTimeoutException(Name, what, limit, LastSeen()), ct);
        }
        catch (Exception e) when (e is QmpInterruptedException or EndOfStreamException or SocketException)
        {
            // The socket closes a moment before the process can be reaped.
            if (await Task.WhenAny(Exited, Task.Delay(_options.Limits.Kill, TimeProvider.System, ct)) == Exited)
            {
                throw new QemuExitedException(Name, await Exited, what, Stderr, e);
            }

            throw;
        }
    }

    /// <summary>What was seen last of this QEMU, for errors: its last event, and whether the process runs.</summary>
    public string LastSeen()
    {
        var events = Qmp.Events.Snapshot();
        var last = events.Count == 0 ? "no event yet" : $"event {events[^1].Name} {events[^1].Data}";
        return $"{last}; process {Child.DescribeState()}";
    }

    /// <summary>Asks QEMU to quit and waits for its end; kills it when it does not end in its time.</summary>
    /// <returns>How it ended, and whether it had to be killed.</returns>
    public async Task<(ExitStatus Status, bool Killed)> QuitAsync(CancellationToken ct)
    {
        if (!Exited.IsCompleted)
        {
            try
            {
                await Deadline.WithinAsync(_options.Limits.Quit, token => Qmp.ExecuteAsync("quit", null, token),
                    () => new WaitTimeoutException(Name, "the reply to quit", _options.Limits.Quit, LastSeen()), ct);
            }
            catch (Exception e) when (e is QmpInterruptedException or WaitTimeoutException)
            {
                // Its end, or the kill below, is the answer.
            }

            if (await Task.WhenAny(Exited, Task.Delay(_options.Limits.Quit, TimeProvider.System, ct)) != Exited)
            {
                Child.Kill();
                return (await Exited.WaitAsync(_options.Limits.Kill, ct), true);
            }
        }

        return (await Exited, false);
    }

    /// <summary>Kills QEMU when it still runs, and closes the connections.</summary>
    public async ValueTask DisposeAsync()
    {
        Child.Kill();
        try
        {
            await Deadline.WithinAsync(_options.Limits.Kill, token => Exited.WaitAsync(token),
                () => new WaitTimeoutException(Name, "its end after SIGKILL", _options.Limits.Kill, LastSeen()), CancellationToken.None);
        }
        finally
        {
            await Qmp.DisposeAsync();
            QTest?.Dispose();
            SerialSocket?.Dispose();
            await _transcript.DisposeAsync();
        }
    }

    private static QemuCommandLine Connections(QemuProcessOptions options)
    {
        string Socket(string kind) => QemuCommandLine.InList(options.Scratch.File($"{options.Name}.{kind}"));
        var line = new QemuCommandLine().With(options.Launch.PrefixArguments).With(options.CommandLine.Arguments)
            .With("-chardev", $"socket,id=qmp,path={Socket("qmp")}");
        line = options.MonitorObject
            ? line.With("-object", "monitor-qmp,id=monitor,chardev=qmp")
            : line.With("-mon", "chardev=qmp,mode=control");
        if (options.QTest)
        {
            line = line.With("-qtest", $"unix:{Socket("qtest")}").With("-qtest-log", "/dev/null");
        }

        return options.Serial
            ? line.With("-chardev", $"socket,id=serial,path={Socket("serial")},logfile={Socket("serial.log")}").With("-serial", "chardev:serial")
            : line;
    }

    private static async Task<T> UnlessExited<T>(QemuProcessOptions options, ChildProcess child, Func<CancellationToken, Task<T>> wait, string what, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var waiting = Deadline.WithinAsync(options.Limits.Start, wait,
            () => new WaitTimeoutException(options.Name, what, options.Limits.Start, $"{options.Launch.Name}, process {child.Id} {child.DescribeState()}; {Wrote()}"), stop.Token);
        if (await Task.WhenAny(waiting, child.Exited) != waiting)
        {
            await stop.CancelAsync();
        }

        try
        {
            return await waiting;
        }
        catch (Exception e) when (e is QmpException || (child.Exited.IsCompleted && !ct.IsCancellationRequested))
        {
            // The socket closes a moment before the process can be reaped.
            if (await Task.WhenAny(child.Exited, Task.Delay(options.Limits.Reap, TimeProvider.System, ct)) != child.Exited)
            {
                throw new QemuStartException($"{options.Name}: {options.Launch.Name} speaks no QMP: {e.Message}; process {child.Id} {child.DescribeState()}; {Wrote()}", e);
            }

            throw new QemuStartException($"{options.Name}: {options.Launch.Name} ended with {await child.Exited} before {what} was there; {Wrote()}", e);
        }

        string Wrote() => Tail(StderrFile(options)) is { Length: > 0 } stderr ? $"it wrote: {stderr}" : "it wrote nothing";
    }

    private static string StderrFile(QemuProcessOptions options) => options.Scratch.File($"{options.Name}.stderr");

    private static string Tail(string path)
    {
        if (!File.Exists(path))
        {
            return "";
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(-Math.Min(file.Length, StderrTail), SeekOrigin.End);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Trim();
    }
}
