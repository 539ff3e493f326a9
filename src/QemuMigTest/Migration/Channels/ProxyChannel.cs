using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration.Channels;

/// <summary>TCP through a proxy of ours between both sides. It counts what goes over each connection, and can hold it back or break it.</summary>
/// <param name="bytesPerSecond">What it lets through to the destination, bytes a second, over all connections; 0 for all that comes.</param>
public sealed class ProxyChannel(long bytesPerSecond = 0) : MigrationChannel
{
    // What the kernel holds for a proxy that is late is sent by no limit of QEMU's once it reads again: by itself it may become tens of megabytes.
    private const int ReceiveBuffer = 256 * 1024;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<ProxyConnection> _connections = [];
    private readonly ByteBudget _budget = new(bytesPerSecond);
    private readonly ByteBudget _secondBudget = new(0);
    private readonly ByteGate _gate = new();
    private readonly ByteGate _secondGate = new();
    private readonly TaskCompletionSource _mayConnect = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TaskCompletionSource _mayReturn = Open();
    private Socket? _listener;

    /// <summary>What it lets through to the destination over the second connection alone, bytes a second; 0 for as much as over the others. With multifd that is the first of the channels for pages.</summary>
    public long SecondBytesPerSecond
    {
        get => _secondBudget.BytesPerSecond;
        init => _secondBudget = new(value);
    }

    /// <summary>Whether the source's second connection, and those after it, are kept from the destination until <see cref="LetConnect"/>.</summary>
    public bool HoldsSecondConnection { get; init; }

    /// <summary>Bytes from the source to the destination so far, over all connections.</summary>
    public long Bytes => BytesByConnection.Sum();

    /// <summary>The same for each connection, in the order in which the source made them: with multifd the first is the main channel.</summary>
    public IReadOnlyList<long> BytesByConnection => [.. Traffic.Select(connection => connection.Bytes)];

    /// <summary>What has gone over each connection so far, in the same order.</summary>
    public IReadOnlyList<WireTraffic> Traffic
    {
        get
        {
            lock (_connections)
            {
                return [.. _connections.Select(connection => connection.Traffic)];
            }
        }
    }

    private long BytesHeld
    {
        get
        {
            lock (_connections)
            {
                return _connections.Sum(connection => connection.BytesHeld);
            }
        }
    }

    /// <inheritdoc/>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri("tcp:127.0.0.1:0"));

    /// <inheritdoc/>
    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        var address = await TcpChannel.ListeningAsync(pair, ct);
        var destination = new IPEndPoint(IPAddress.Loopback, int.Parse(address.GetProperty("port").GetString()!, CultureInfo.InvariantCulture));
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ReceiveBuffer };
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(256);
        _ = Task.Run(() => AcceptAsync(_listener, destination), CancellationToken.None);
        return Uri($"tcp:127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");
    }

    /// <summary>Measures how fast bytes go to the destination.</summary>
    /// <param name="window">For how long.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>Bytes a second.</returns>
    public async Task<double> MeasureAsync(TimeSpan window, CancellationToken ct)
    {
        var start = Stopwatch.GetTimestamp();
        var before = Bytes;
        await Poll.UntilAsync("proxy", $"{window.TotalSeconds} s of the wire to have passed", _ => Task.FromResult(Stopwatch.GetElapsedTime(start) >= window ? this : null),
            () => $"{Bytes - before} bytes", 10 * window, ct);
        return (Bytes - before) / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Waits until bytes have gone to the destination.</summary>
    /// <param name="bytes">How many, from the start on.</param>
    /// <param name="limit">How long at most.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">They have not.</exception>
    public Task WaitForBytesAsync(long bytes, TimeSpan limit, CancellationToken ct) =>
        Poll.UntilAsync("proxy", $"{bytes} bytes on the wire", _ => Task.FromResult(Bytes >= bytes ? this : null), () => $"{Bytes} bytes", limit, ct);

    /// <summary>Lets the source's second connection, and those after it, go on to the destination.</summary>
    public void LetConnect() => _mayConnect.TrySetResult();

    /// <summary>Keeps what the destination says from the source, until <see cref="LetReturn"/>: nothing of it is lost.</summary>
    public void HoldReturn() => _mayReturn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits until the destination has said something of which the source is kept.</summary>
    /// <param name="limit">How long at most.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">It has said nothing.</exception>
    public Task WaitForHeldAsync(TimeSpan limit, CancellationToken ct) =>
        Poll.UntilAsync("proxy", "bytes of the destination that are held back", _ => Task.FromResult(BytesHeld > 0 ? this : null), () => $"{Bytes} bytes to the destination, none held back", limit, ct);

    /// <summary>Lets what the destination says by.</summary>
    public void LetReturn() => _mayReturn.TrySetResult();

    /// <summary>Lets so many more bytes through to the destination over the second connection, and then none until <see cref="LetSecondGoOn"/>: it may stop in the middle of a packet.</summary>
    public void StopSecondAfter(long bytes) => _secondGate.ShutAfter(bytes);

    /// <summary>Lets all through over the second connection again.</summary>
    public void LetSecondGoOn() => _secondGate.Open();

    /// <summary>Lets through all that comes, from now on.</summary>
    public void LiftLimit()
    {
        _budget.Lift();
        _secondBudget.Lift();
    }

    /// <summary>Breaks all connections: both sides see theirs end.</summary>
    public void Break()
    {
        _stop.Cancel();
        _listener?.Dispose();
        lock (_connections)
        {
            _connections.ForEach(connection => connection.Dispose());
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Break();
        base.Dispose();
    }

    private static TaskCompletionSource Open()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private async Task AcceptAsync(Socket listener, IPEndPoint destination)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket source;
            try
            {
                source = await listener.AcceptAsync(_stop.Token);
                if (HoldsSecondConnection && _connections.Count == 1)
                {
                    await _mayConnect.Task.WaitAsync(_stop.Token);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The channel was broken or disposed of.
                return;
            }

            ProxyConnection connection;
            lock (_connections)
            {
                var isSecond = _connections.Count == 1;
                connection = new(source, isSecond && SecondBytesPerSecond > 0 ? _secondBudget : _budget, isSecond ? _secondGate : _gate, () => _mayReturn.Task);
                _connections.Add(connection);
            }

            await connection.OpenAsync(destination, _stop.Token);
        }
    }
}
