using System.Net;
using System.Net.Sockets;

namespace QemuMigTest.Migration.Channels;

/// <summary>One connection through a <see cref="ProxyChannel"/>: from the source to us, and from us to the destination.</summary>
internal sealed class ProxyConnection(Socket source, ByteBudget budget, ByteGate gate, Func<Task> mayReturn) : IDisposable
{
    private const int BufferBytes = 128 * 1024;
    private readonly Socket _destination = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly TlsRecords _there = new();
    private readonly TlsRecords _back = new();
    private long _bytes;
    private long _bytesBack;
    private long _bytesHeld;

    /// <summary>What has gone over it.</summary>
    public WireTraffic Traffic => new(Interlocked.Read(ref _bytes), Interlocked.Read(ref _bytesBack), _there.AreAll && _back.AreAll);

    /// <summary>What the destination has said and the source is kept from, bytes.</summary>
    public long BytesHeld => Interlocked.Read(ref _bytesHeld);

    /// <summary>Connects to the destination and begins to pass on what comes.</summary>
    public async Task OpenAsync(IPEndPoint destination, CancellationToken ct)
    {
        source.NoDelay = _destination.NoDelay = true;
        try
        {
            await _destination.ConnectAsync(destination, ct);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // Nobody listens there any more: the source sees its connection end.
            Dispose();
            return;
        }

        _ = Task.Run(() => PumpAsync(source, _destination, _there, count => Interlocked.Add(ref _bytes, count), received => budget.SpendAsync(received, ct), gate, ct), CancellationToken.None);
        _ = Task.Run(() => PumpAsync(_destination, source, _back, count => Interlocked.Add(ref _bytesBack, count), received => HoldAsync(received, ct), new(), ct), CancellationToken.None);
    }

    /// <summary>Ends it on both sides.</summary>
    public void Dispose()
    {
        source.Dispose();
        _destination.Dispose();
    }

    private async Task HoldAsync(int received, CancellationToken ct)
    {
        var held = mayReturn();
        if (!held.IsCompleted)
        {
            Interlocked.Add(ref _bytesHeld, received);
            await held.WaitAsync(ct);
            Interlocked.Add(ref _bytesHeld, -received);
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, TlsRecords records, Action<int> count, Func<int, Task> wait, ByteGate gate, CancellationToken ct)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, ct) is var received and > 0)
            {
                records.Add(buffer.AsSpan(0, received));
                await wait(received);
                for (var sent = 0; sent < received;)
                {
                    var some = await to.SendAsync(buffer.AsMemory(sent, await gate.PassAsync(received - sent, ct)), ct);
                    count(some);
                    sent += some;
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // One side is gone; the other must see that.
            from.Dispose();
            to.Dispose();
        }
    }

    private static bool IsEnd(Exception e) => e is SocketException or ObjectDisposedException or OperationCanceledException;
}
