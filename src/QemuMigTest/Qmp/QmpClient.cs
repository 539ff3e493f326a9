using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace QemuMigTest.Qmp;

/// <summary>A QMP connection to one QEMU: commands, replies, and the log of its events.</summary>
/// <remarks>
/// Thread-safe. Commands may be outstanding at once (up to 8 in band, as many as QEMU queues; further ones wait their turn); replies are matched by id.
/// No wait has a deadline of its own: callers cancel, and the connection stays usable. A command whose token fires before its first byte is written is
/// not sent; after that it is sent whole, and its reply is dropped when it comes.
/// An error reply without an id (QEMU could not read the command) belongs to the only outstanding command; with none or several it is a <see cref="QmpProtocolException"/>.
/// </remarks>
public sealed class QmpClient : IAsyncDisposable
{
    private const int ReadBufferSize = 64 * 1024;

    private readonly Socket _socket;
    private readonly QmpClientOptions _options;
    private readonly QmpTranscript? _transcript;
    private readonly PipeReader _pipe;
    private readonly QmpLineReader _lines;
    private readonly PendingCommands _commands;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly TaskCompletionSource<QmpDisconnect> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _start;
    private Task _reading = Task.CompletedTask;
    private Exception? _writeFailure;
    private long _lastId;
    private volatile bool _disposing;

    private QmpClient(Socket socket, QmpClientOptions options)
    {
        _socket = socket;
        _options = options;
        _start = options.TimeProvider.GetTimestamp();
        _transcript = options.Transcript is { } writer ? new QmpTranscript(writer, options.Name, options.TimeProvider) : null;
        _pipe = PipeReader.Create(new NetworkStream(socket, ownsSocket: false), new StreamPipeReaderOptions(bufferSize: ReadBufferSize));
        _lines = new QmpLineReader(_pipe, options.MaxLineLength);
        _commands = new PendingCommands(options.Name);
        Events = new QmpEventLog(options.Name);
    }

    /// <summary>What error messages call the other side: <c>source</c>, <c>destination</c>.</summary>
    public string Name => _options.Name;

    /// <summary>What QEMU said first.</summary>
    public QmpGreeting Greeting { get; private set; } = null!;

    /// <summary>Whether out-of-band commands were agreed on.</summary>
    public bool OutOfBand { get; private set; }

    /// <summary>Every event since the connection began.</summary>
    public QmpEventLog Events { get; }

    /// <summary>Completes, and never faults, when the connection has ended; by then all commands and waits for events are interrupted.</summary>
    public Task<QmpDisconnect> Closed => _closed.Task;

    /// <summary>Reads the greeting and agrees on capabilities.</summary>
    /// <param name="socket">A connected stream socket; it is the client's from here on, also when this fails.</param>
    /// <param name="options">How to behave.</param>
    /// <param name="ct">Ends the attempt.</param>
    /// <exception cref="QmpConnectException">What came is no greeting, the capabilities were refused, or the connection ended.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public static async Task<QmpClient> ConnectAsync(Socket socket, QmpClientOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxLineLength, 1);
        if (!socket.Connected)
            throw new ArgumentException("The socket must be connected.", nameof(socket));
        var client = new QmpClient(socket, options);
        try
        {
            client.Greeting = await client.ReadGreetingAsync(ct);
            // Away from the caller's synchronisation context (NUnit has one): reading must not depend on whether that still runs.
            client._reading = Task.Run(client.ReadAsync, CancellationToken.None);
            await client.NegotiateAsync(ct);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command in band and returns what it returns.</summary>
    /// <param name="command">QAPI's name of it.</param>
    /// <param name="arguments">Its arguments; not changed, and free to be used again.</param>
    /// <param name="ct">Ends the wait, not the command.</param>
    /// <exception cref="QmpCommandException">QEMU answered with an error.</exception>
    /// <exception cref="QmpInterruptedException">The connection has ended, or ends before the reply.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments = null, CancellationToken ct = default) =>
        SendAsync(command, arguments, outOfBand: false, null, ct);

    /// <summary>Runs a command out of band (<c>exec-oob</c>), past those that wait in QEMU's queue. Throws as <see cref="ExecuteAsync"/> does.</summary>
    /// <param name="command">QAPI's name of it; one that allows it, such as <c>migrate-pause</c>.</param>
    /// <param name="arguments">Its arguments; not changed, and free to be used again.</param>
    /// <param name="ct">Ends the wait, not the command.</param>
    /// <exception cref="InvalidOperationException">Out-of-band was not agreed on.</exception>
    public Task<JsonElement> ExecuteOutOfBandAsync(string command, JsonObject? arguments = null, CancellationToken ct = default) => OutOfBand
        ? SendAsync(command, arguments, outOfBand: true, null, ct)
        : throw new InvalidOperationException($"{Name}: '{command}' cannot be sent out of band: the capability 'oob' was not agreed on "
            + $"(QEMU {Greeting.Version} offers: {(Greeting.Capabilities.Count == 0 ? "nothing" : string.Join(", ", Greeting.Capabilities))}).");

    /// <summary>Runs a command in band with a file descriptor beside it (SCM_RIGHTS), as <c>getfd</c> and <c>add-fd</c> want. Throws as <see cref="ExecuteAsync"/> does.</summary>
    /// <param name="command">QAPI's name of it.</param>
    /// <param name="arguments">Its arguments; not changed, and free to be used again.</param>
    /// <param name="descriptor">QEMU gets a duplicate; the caller keeps, and may close, its own as soon as this returns.</param>
    /// <param name="ct">Ends the wait, not the command.</param>
    /// <exception cref="ArgumentException">The descriptor is invalid.</exception>
    /// <exception cref="ObjectDisposedException">The descriptor is closed.</exception>
    public Task<JsonElement> ExecuteWithDescriptorAsync(string command, JsonObject? arguments, SafeHandle descriptor, CancellationToken ct) =>
        SendAsync(command, arguments, outOfBand: false, new DescriptorLease(descriptor), ct);

    /// <summary>Ends the connection. What QEMU had sent by then is still read into the log and the transcript.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposing = true;
        ShutDown();
        await _reading;
        // The last write ends because of the shutdown; nobody writes after it.
        await _writing.WaitAsync(CancellationToken.None);
        _writing.Release();
        await _pipe.CompleteAsync();
        _socket.Dispose();
    }

    private async Task<QmpGreeting> ReadGreetingAsync(CancellationToken ct)
    {
        QmpLine line;
        try
        {
            line = await _lines.ReadAsync(ct);
            _transcript?.Received(line);
        }
        catch (IOException e)
        {
            throw new QmpConnectException(QmpConnectPhase.Greeting, $"{Name}: the connection broke while waiting for the QMP greeting: {e.Message}", e);
        }
        if (line.Kind == QmpLineKind.CleanEnd)
            throw new QmpConnectException(QmpConnectPhase.Greeting, $"{Name}: QEMU closed the connection before the QMP greeting; its stderr tells why");
        return (line.Kind == QmpLineKind.Complete ? QmpGreeting.TryParse(line.Bytes) : null) ?? throw new QmpConnectException(QmpConnectPhase.Greeting,
            $"{Name}: what came is no QMP greeting ({line.Kind}): '{QmpText.Cut(line.Text, 200)}'; is the other side a monitor with mode=control?");
    }

    private async Task NegotiateAsync(CancellationToken ct)
    {
        var outOfBand = _options.OutOfBand && Greeting.Capabilities.Contains("oob");
        try
        {
            await ExecuteAsync("qmp_capabilities", outOfBand ? new JsonObject { ["enable"] = new JsonArray("oob") } : null, ct);
            OutOfBand = outOfBand;
        }
        catch (QmpException e)
        {
            throw new QmpConnectException(QmpConnectPhase.Capabilities, $"{Name}: no agreement on QMP capabilities: {e.Message}", e);
        }
    }

    private async Task<JsonElement> SendAsync(string command, JsonObject? arguments, bool outOfBand, DescriptorLease? descriptor, CancellationToken ct)
    {
        PendingCommand pending;
        try
        {
            ArgumentException.ThrowIfNullOrEmpty(command);
            pending = new PendingCommand(Name, Interlocked.Increment(ref _lastId), command, arguments, outOfBand);
            await _commands.AddAsync(pending, ct);
        }
        catch
        {
            descriptor?.Dispose();
            throw;
        }
        try
        {
            await _writing.WaitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            descriptor?.Dispose();
            _commands.Take(pending.Id);
            return await pending.WaitAsync(ct);
        }
        // Not awaited: a caller whose token fires must not hang on a QEMU that does not read. It never faults.
        _ = WriteAsync(pending, descriptor);
        return await pending.WaitAsync(ct);
    }

    private async Task WriteAsync(PendingCommand command, DescriptorLease? descriptor)
    {
        try
        {
            if (command.IsOver)
                return;
            _transcript?.Sent(command.Line.Span[..^1], descriptor?.Descriptor);
            await QmpSender.SendAsync(_socket, command.Line, descriptor);
        }
        catch (Exception e)
        {
            // The reader reads what is still there, comes to the end, and reports this as its cause.
            _writeFailure = e;
            ShutDown();
        }
        finally
        {
            descriptor?.Dispose();
            _writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        QmpDisconnect end;
        try
        {
            end = await ReadToEndAsync();
        }
        catch (QmpProtocolException e)
        {
            end = new QmpDisconnect(QmpDisconnectReason.ProtocolError, e);
        }
        catch (Exception e)
        {
            end = new QmpDisconnect(QmpDisconnectReason.IoError, e);
        }
        if (_disposing)
            end = end with { Reason = QmpDisconnectReason.Disposed };
        else if (_writeFailure is { } failure && !SaysPeerClosed(failure))
            end = new QmpDisconnect(QmpDisconnectReason.IoError, failure);
        ShutDown();
        try
        {
            _transcript?.Ended(end);
        }
        catch (Exception e)
        {
            end = end with { Exception = end.Exception is { } first ? new AggregateException(first, e) : e };
        }
        Events.End(end);
        _commands.End(end);
        _closed.SetResult(end);
    }

    private async Task<QmpDisconnect> ReadToEndAsync()
    {
        while (true)
        {
            var line = await _lines.ReadAsync(CancellationToken.None);
            _transcript?.Received(line);
            switch (line.Kind)
            {
                case QmpLineKind.Complete:
                    Dispatch(line);
                    break;
                case QmpLineKind.TooLong:
                    throw new QmpProtocolException(Name, $"a line is longer than {_options.MaxLineLength} bytes", line.Text);
                case QmpLineKind.CutMidLine:
                    return new QmpDisconnect(QmpDisconnectReason.CutMidLine, new EndOfStreamException($"{Name}: half a line at the end: '{QmpText.Cut(line.Text, 200)}'"));
                default:
                    return new QmpDisconnect(QmpDisconnectReason.CleanEnd, null);
            }
        }
    }

    private void Dispatch(QmpLine line)
    {
        switch (QmpMessage.Parse(line.Bytes, Name))
        {
            case QmpMessage.Event e:
                Events.Append(e.Name, e.Data, e.Timestamp, _options.TimeProvider.GetElapsedTime(_start));
                break;
            case QmpMessage.Return reply:
                (_commands.Take(reply.Id) ?? throw Unmatched()).Succeed(reply.Value);
                break;
            case QmpMessage.Error { Id: { } id } error:
                (_commands.Take(id) ?? throw Unmatched()).Fail(error);
                break;
            case QmpMessage.Error error:
                (_commands.TakeOnly() ?? throw Unmatched()).Fail(error);
                break;
        }

        QmpProtocolException Unmatched() => new(Name, "a reply belongs to no outstanding command", line.Text);
    }

    /// <summary>Whether a write failed only because QEMU had closed the connection: then what the reader finds at the end is the truth.</summary>
    private static bool SaysPeerClosed(Exception failure) => failure is SocketException { SocketErrorCode: SocketError.Shutdown or SocketError.ConnectionReset };

    /// <summary>Wakes whoever reads or writes: reading goes on to the end of what has come, writing fails.</summary>
    private void ShutDown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.NotConnected })
        {
            // It is down already.
        }
    }
}
