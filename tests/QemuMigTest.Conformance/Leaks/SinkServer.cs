using System.Net;
using System.Net.Sockets;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>Takes connections on the loopback and reads whatever comes, or closes them at once.</summary>
internal sealed class SinkServer : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly bool _hangsUp;
    private long _received;

    /// <param name="hangsUp">Whether it closes each connection when its first bytes have come.</param>
    public SinkServer(bool hangsUp)
    {
        _hangsUp = hangsUp;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(256);
        _ = Task.Run(AcceptAsync, CancellationToken.None);
    }

    /// <summary>Its address for <c>migrate</c>.</summary>
    public string Uri => $"tcp:127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";

    /// <summary>Bytes that have come, over all connections.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Ends all its connections.</summary>
    public void HangUp() => _stop.Cancel();

    /// <summary>Ends it and all its connections.</summary>
    public void Dispose()
    {
        HangUp();
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptAsync(_stop.Token);
                _ = Task.Run(() => ReadAsync(connection), CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // It was disposed of.
        }
    }

    private async Task ReadAsync(Socket connection)
    {
        using (connection)
        {
            var buffer = new byte[256 * 1024];
            try
            {
                while (await connection.ReceiveAsync(buffer, _stop.Token) is var bytes and > 0 && !_hangsUp)
                {
                    Interlocked.Add(ref _received, bytes);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The source is gone, or we are.
            }
        }
    }
}
