using System.Net.Sockets;
using System.Text;

namespace QemuMigTest.Qmp;

/// <summary>A Unix socket on which we listen and QEMU connects: <c>-chardev socket,path=PATH,id=…</c>.</summary>
public sealed class QmpListener : IAsyncDisposable
{
    /// <summary>What sockaddr_un holds (108 bytes) without its final NUL.</summary>
    private const int MaxPathLength = 107;

    private readonly Socket _socket;
    private int _disposed;

    private QmpListener(Socket socket, string path)
    {
        _socket = socket;
        Path = path;
    }

    /// <summary>The socket's path.</summary>
    public string Path { get; }

    /// <summary>Makes the socket. It is not inherited by child processes.</summary>
    /// <param name="path">At most 107 bytes of UTF-8; nothing may be there yet.</param>
    /// <exception cref="QmpConnectException">The path is too long, its folder is missing or not writable, or something is there already.</exception>
    public static QmpListener Bind(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var length = Encoding.UTF8.GetByteCount(path);
        if (length > MaxPathLength)
        {
            throw new QmpConnectException(QmpConnectPhase.Bind,
                $"the socket path '{path}' is {length} bytes long and may be {MaxPathLength}: use a shorter folder, such as one below /tmp (set TMPDIR)");
        }
        var endPoint = new UnixDomainSocketEndPoint(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(1);
            return new QmpListener(socket, path);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new QmpConnectException(QmpConnectPhase.Bind, $"cannot listen on '{path}' ({length} bytes): {e.Message}: {Remedy(path)}", e);
        }
    }

    /// <summary>Waits for QEMU to connect; the caller owns the socket.</summary>
    /// <exception cref="QmpConnectException">The listener was disposed meanwhile.</exception>
    /// <exception cref="OperationCanceledException">The token fired first.</exception>
    public async Task<Socket> AcceptAsync(CancellationToken ct)
    {
        try
        {
            return await _socket.AcceptAsync(ct);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new QmpConnectException(QmpConnectPhase.Accept, $"nothing more can connect to '{Path}': {e.Message}", e);
        }
    }

    /// <summary>Stops listening and removes the path. Sockets already accepted live on.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _socket.Dispose();
            // Its folder may be gone, and the path with it.
            if (System.IO.Path.Exists(Path))
                File.Delete(Path);
        }
        return ValueTask.CompletedTask;
    }

    private static string Remedy(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
        return !Directory.Exists(folder) ? $"make the folder '{folder}' first"
            : System.IO.Path.Exists(path) ? "something is there already; use a fresh scratch folder"
            : $"make the folder '{folder}' writable, on a file system that holds sockets";
    }
}
