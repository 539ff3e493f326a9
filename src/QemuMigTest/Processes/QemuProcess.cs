using System.Globalization;
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
    private readonly List<ExecutedCommand> _commands = [];

    internal QemuProcess(QemuProcessOptions options, ChildProcess child, QmpClient qmp, QTestClient? qtest, Socket? serial, TextWriter transcript)
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
    public string Stderr => Tail(Child.Command.OutputFile);

    /// <summary>The commands that it has executed and did not refuse, in the order of their replies. HMP's are named by their whole command line.</summary>
    internal IReadOnlyList<ExecutedCommand> Commands
    {
        get
        {
            lock (_commands)
            {
                return [.. _commands];
            }
        }
    }

    internal Socket? SerialSocket { get; }

    /// <summary>Whether its process has executed another QEMU, which has connections of its own: see <see cref="QemuConnections.TakeOverAsync"/>.</summary>
    public bool HasExecutedAnother { get; internal set; }

    /// <summary>Starts a QEMU and waits until all its connections stand and QMP is agreed on.</summary>
    /// <exception cref="QemuStartException">It could not be started, ended before it connected, or speaks no QMP.</exception>
    /// <exception cref="ScratchWriteException">Its files cannot be written.</exception>
    /// <exception cref="WaitTimeoutException">It did not connect in time.</exception>
    public static async Task<QemuProcess> StartAsync(QemuProcessOptions options, ProcessSpawner spawner, CancellationToken ct)
    {
        await using var connections = await QemuConnections.ListenAsync(options);
        try
        {
            await File.WriteAllTextAsync(options.Scratch.File($"{options.Name}.cmd"), QemuCommandLine.Quote(connections.Words) + "\n", ct);
        }
        catch (Exception e) when (ScratchWriteException.IsBehind(e))
        {
            throw ScratchWriteException.In(options.Scratch.Path, e);
        }

        var child = await spawner.StartAsync(new ChildCommand
        {
            FileName = options.Launch.FileName,
            Arguments = connections.Arguments,
            Environment = options.Launch.Environment,
            OutputFile = options.Scratch.File($"{options.Name}.stderr"),
        });
        return await connections.AcceptAsync(child, ct);
    }

    /// <summary>Executes a QMP command.</summary>
    /// <exception cref="QmpCommandException">QEMU refused it.</exception>
    /// <exception cref="QemuExitedException">QEMU ended before it answered.</exception>
    /// <exception cref="WaitTimeoutException">QEMU did not answer in time.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, CancellationToken ct)
    {
        var from = Qmp.Events.Position;
        var reply = await WhileAliveAsync(command, _options.Limits.Command, token => Qmp.ExecuteAsync(command, arguments, token), ct);
        Note(arguments?["command-line"] is { } line ? $"{command} {line}" : command, from);
        return reply;
    }

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

    /// <summary>Waits until threads sleep, and have for a ms: they have done all that there is to do.</summary>
    /// <param name="chosen">Which, by their names.</param>
    /// <param name="what">What they have to do, for the error.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">One is busy still.</exception>
    public Task WaitForThreadsAsleepAsync(Func<string, bool> chosen, string what, CancellationToken ct)
    {
        ThreadTimes? before = null;
        IReadOnlyList<string> busy = [];
        return Poll.UntilAsync(Name, what, _ =>
        {
            var now = ThreadTimes.Read(Child.Id);
            busy = now is null || before is null ? [] : [.. now.BusySince(before, 0).Where(name => chosen(name.Trim('\'')))];
            var asleep = now is null || before is not null && busy.Count == 0;
            before = now;
            // Where the process has ended there is none that could do anything: what comes next says so.
            return Task.FromResult(asleep ? this : null);
        }, () => $"busy: {string.Join(", ", busy)}; {LastSeen()}", _options.Limits.Step, ct);
    }

    /// <summary>Waits until threads are blocked in a system call.</summary>
    /// <param name="chosen">Which, by their names.</param>
    /// <param name="call">The call's number.</param>
    /// <param name="what">What is waited for, for the error.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">One is not, or there is none of these threads.</exception>
    public Task WaitForThreadsInCallAsync(Func<string, bool> chosen, int call, string what, CancellationToken ct)
    {
        IReadOnlyList<string> seen = [];
        return Poll.UntilAsync(Name, what, _ =>
        {
            var calls = ThreadCalls.Read(Child.Id).Where(thread => chosen(thread.Name)).ToList();
            seen = [.. calls.Select(thread => $"'{thread.Name}' in {thread.Call?.ToString(CultureInfo.InvariantCulture) ?? "none"}")];
            return Task.FromResult(calls.Count > 0 && calls.TrueForAll(thread => thread.Call == call) ? this : null);
        }, () => $"system calls: {string.Join(", ", seen)}; {LastSeen()}", _options.Limits.Step, ct);
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
            Note("quit", Qmp.Events.Position);
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
            await CloseAsync(_transcript);
        }
    }

    /// <summary>Closes a transcript, whatever its disk has to say.</summary>
    internal static async ValueTask CloseAsync(TextWriter transcript)
    {
        try
        {
            await transcript.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The write that failed first has ended the connection, and is what is reported.
            return;
        }
    }

    /// <summary>Notes that what it told from a position on was caused on purpose.</summary>
    internal void Note(string command, int from)
    {
        lock (_commands)
        {
            _commands.Add(new(command, from, Qmp.Events.Position));
        }
    }

    internal static string Tail(string path)
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
