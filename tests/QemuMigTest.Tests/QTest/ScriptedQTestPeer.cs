using System.Net.Sockets;
using System.Text;
using Mono.Unix.Native;
using Shouldly;

namespace QemuMigTest.Tests.QTest;

/// <summary>The other side of a qtest connection: a thread of its own that answers each line as a test tells it to.</summary>
internal sealed class ScriptedQTestPeer : IDisposable
{
    private readonly Task _answering;
    private readonly Socket _socket;

    private ScriptedQTestPeer(Socket socket, Func<string, string?> answer)
    {
        _socket = socket;
        _answering = Task.Factory.StartNew(() => Answer(answer), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What was asked, a line each.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Our end, and a peer that sends what the function returns, newline not added; null closes the connection.</summary>
    public static (Socket Ours, ScriptedQTestPeer Peer) Start(Func<string, string?> answer)
    {
        Syscall.socketpair(UnixAddressFamily.AF_UNIX, UnixSocketType.SOCK_STREAM, UnixSocketFlags.SOCK_CLOEXEC, 0, out var ours, out var theirs)
            .ShouldBe(0);
        return (new Socket(new SafeSocketHandle(ours, ownsHandle: true)),
            new ScriptedQTestPeer(new Socket(new SafeSocketHandle(theirs, ownsHandle: true)), answer));
    }

    /// <summary>Closes the connection, and throws what the peer's thread threw.</summary>
    public void Dispose()
    {
        _socket.Shutdown(SocketShutdown.Both);
        _answering.GetAwaiter().GetResult();
        _socket.Dispose();
    }

    private void Answer(Func<string, string?> answer)
    {
        using var reader = new StreamReader(new NetworkStream(_socket), Encoding.ASCII);
        while (NextLine(reader) is { } line)
        {
            Asked.Add(line);
            if (answer(line) is not { } reply)
            {
                _socket.Shutdown(SocketShutdown.Both);
                return;
            }
            try
            {
                _socket.Send(Encoding.ASCII.GetBytes(reply));
            }
            catch (SocketException)
            {
                // The client gave this reply up and closed, which is what some tests are about.
                return;
            }
        }
    }

    private static string? NextLine(StreamReader reader)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // The client closed without having read all of the last reply: an end like any other.
            return null;
        }
    }
}
