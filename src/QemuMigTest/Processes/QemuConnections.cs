using System.Net.Sockets;
using QemuMigTest.Qmp;
using QemuMigTest.QTest;

namespace QemuMigTest.Processes;

/// <summary>The sockets on which we listen for a QEMU: one that is started, or one that a running QEMU executes in its own process (cpr-exec).</summary>
public sealed class QemuConnections : IAsyncDisposable
{
    private readonly QemuProcessOptions _options;
    private readonly QmpListener _qmp;
    private readonly QmpListener? _qtest;
    private readonly QmpListener? _serial;

    private QemuConnections(QemuProcessOptions options, QmpListener qmp, QmpListener? qtest, QmpListener? serial)
    {
        _options = options;
        _qmp = qmp;
        _qtest = qtest;
        _serial = serial;
        Arguments = CommandLine().Arguments;
    }

    /// <summary>The arguments with which QEMU connects here, without the program.</summary>
    public IReadOnlyList<string> Arguments { get; }

    /// <summary>The program with its arguments, and before it the environment that it needs.</summary>
    public IReadOnlyList<string> Words => [.. _options.Launch.Environment.Select(e => $"{e.Key}={e.Value}"), _options.Launch.FileName, .. Arguments];

    /// <summary>Makes the sockets.</summary>
    /// <exception cref="QmpConnectException">One of them cannot be made.</exception>
    public static async Task<QemuConnections> ListenAsync(QemuProcessOptions options)
    {
        var listeners = new List<QmpListener>();
        QmpListener Bind(string kind)
        {
            listeners.Add(QmpListener.Bind(options.Scratch.File($"{options.Name}.{kind}")));
            return listeners[^1];
        }

        try
        {
            return new QemuConnections(options, Bind("qmp"), options.QTest ? Bind("qtest") : null, options.Serial ? Bind("serial") : null);
        }
        catch
        {
            await Task.WhenAll(listeners.Select(listener => listener.DisposeAsync().AsTask()));
            throw;
        }
    }

    /// <summary>Waits until a QEMU that a running one has executed in its own process is connected and QMP is agreed on.</summary>
    /// <param name="predecessor">The QEMU that executed it: its connections are gone, its process lives on.</param>
    /// <param name="ct">Ends the wait, and the process.</param>
    /// <exception cref="QemuStartException">It ended before it connected, or speaks no QMP.</exception>
    /// <exception cref="WaitTimeoutException">It did not connect in time.</exception>
    public async Task<QemuProcess> TakeOverAsync(QemuProcess predecessor, CancellationToken ct)
    {
        var successor = await AcceptAsync(predecessor.Child, ct);
        predecessor.HasExecutedAnother = true;
        return successor;
    }

    /// <summary>Stops listening. Connections that stand live on.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var listener in new[] { _qmp, _qtest, _serial }.OfType<QmpListener>())
        {
            await listener.DisposeAsync();
        }
    }

    internal async Task<QemuProcess> AcceptAsync(ChildProcess child, CancellationToken ct)
    {
        var sockets = new List<Socket>();
        var transcript = TextWriter.Null;
        try
        {
            async Task<Socket> Accept(QmpListener listener, string what)
            {
                var socket = await UnlessExitedAsync(child, listener.AcceptAsync, $"its {what} connection", ct);
                lock (sockets)
                {
                    sockets.Add(socket);
                }

                return socket;
            }

            var qmpAccepted = Accept(_qmp, "QMP");
            var qtestAccepted = _qtest is null ? null : Accept(_qtest, "qtest");
            var serialAccepted = _serial is null ? null : Accept(_serial, "serial");
            // QEMU opens them in an order of its own; wait for all so that none is left in the air when one fails.
            await Task.WhenAll(new[] { qmpAccepted, qtestAccepted, serialAccepted }.OfType<Task>());

            transcript = new StreamWriter(PathOf("qmp.log")) { AutoFlush = true };
            transcript = _options.Log is null ? transcript : new TeeWriter(transcript, _options.Log);
            var qmpOptions = new QmpClientOptions { Name = _options.Name, Transcript = transcript };
            var qmp = await UnlessExitedAsync(child, async token => await QmpClient.ConnectAsync(await qmpAccepted, qmpOptions, token), "its QMP greeting", ct);
            var qtest = qtestAccepted is null ? null : new QTestClient(await qtestAccepted, _options.Name) { Timeout = _options.Limits.Command };
            return new QemuProcess(_options, child, qmp, qtest, serialAccepted is null ? null : await serialAccepted, transcript);
        }
        catch (Exception e)
        {
            child.Kill();
            sockets.ForEach(socket => socket.Dispose());
            await QemuProcess.CloseAsync(transcript);
            // One that the kernel cannot end yet must not hide why it was killed.
            await Task.WhenAny(child.Exited, Task.Delay(_options.Limits.Kill, TimeProvider.System, CancellationToken.None));
            if (ScratchWriteException.IsBehind(e))
            {
                throw ScratchWriteException.In(_options.Scratch.Path, e);
            }

            throw;
        }
    }

    private string PathOf(string kind) => _options.Scratch.File($"{_options.Name}.{kind}");

    private QemuCommandLine CommandLine()
    {
        string Socket(string kind) => QemuCommandLine.InList(PathOf(kind));
        var line = new QemuCommandLine().With(_options.Launch.PrefixArguments).With(_options.CommandLine.Arguments)
            .With("-chardev", $"socket,id=qmp,path={Socket("qmp")}");
        line = _options.MonitorObject
            ? line.With("-object", "monitor-qmp,id=monitor,chardev=qmp")
            : line.With("-mon", "chardev=qmp,mode=control");
        if (_options.QTest)
        {
            // No log: that of a file stays open in what a QEMU executes (cpr-exec, seen on 11.1.3).
            line = line.With("-qtest", $"unix:{Socket("qtest")}").With("-qtest-log", "none");
        }

        return _options.Serial
            ? line.With("-chardev", $"socket,id=serial,path={Socket("serial")},logfile={Socket("serial.log")}").With("-serial", "chardev:serial")
            : line;
    }

    private async Task<T> UnlessExitedAsync<T>(ChildProcess child, Func<CancellationToken, Task<T>> wait, string what, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var waiting = Deadline.WithinAsync(_options.Limits.Start, wait,
            () => new WaitTimeoutException(_options.Name, what, _options.Limits.Start, $"{_options.Launch.Name}, process {child.Id} {child.DescribeState()}; {Wrote()}"), stop.Token);
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
            if (await Task.WhenAny(child.Exited, Task.Delay(_options.Limits.Reap, TimeProvider.System, ct)) != child.Exited)
            {
                throw new QemuStartException($"{_options.Name}: {_options.Launch.Name} speaks no QMP: {e.Message}; process {child.Id} {child.DescribeState()}; {Wrote()}", e);
            }

            throw new QemuStartException($"{_options.Name}: {_options.Launch.Name} ended with {await child.Exited} before {what} was there; {Wrote()}", e);
        }

        string Wrote() => QemuProcess.Tail(child.Command.OutputFile) is { Length: > 0 } stderr ? $"it wrote: {stderr}" : "it wrote nothing";
    }
}
