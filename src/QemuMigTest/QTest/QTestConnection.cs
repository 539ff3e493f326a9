using System.Net.Sockets;
using System.Text;

namespace QemuMigTest.QTest;

/// <summary>The qtest protocol: a line goes out, a line comes back. On a blocking socket, which is called in tight loops. Not thread-safe.</summary>
/// <param name="socket">A connected stream socket.</param>
/// <param name="name">The side, for errors.</param>
/// <param name="maxReply">The longest line accepted, in bytes, its end included.</param>
internal sealed class QTestConnection(Socket socket, string name, int maxReply)
{
    /// <summary>How much of a bad reply is kept for the error.</summary>
    private const int KeptOfReply = 200;

    private byte[] _buffer = new byte[4096];
    private int _used;

    /// <summary>Where the line that was read last ends in the buffer, its newline included; 0 when none is there.</summary>
    private int _lineEnd;
    private Exception? _broken;

    /// <summary>How long a reply may take; also a reply that keeps coming in pieces gets no more than this and one more wait.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Sends a command and returns what stands behind OK, without the space; valid until the next call.</summary>
    /// <param name="command">The line with its end.</param>
    /// <exception cref="QTestException">It was refused, or the connection broke, now or before.</exception>
    public ReadOnlySpan<byte> Execute(ReadOnlySpan<byte> command) => Execute(command, command);

    /// <summary>The same where several commands are sent with the first of them: each call after that sends nothing, and returns the next reply.</summary>
    /// <param name="sent">Lines with their ends, or nothing.</param>
    /// <param name="command">The one that is answered, for errors.</param>
    /// <exception cref="QTestException">It was refused, or the connection broke, now or before.</exception>
    public ReadOnlySpan<byte> Execute(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> command)
    {
        if (_broken is not null)
            throw new QTestException(name, TextOf(command), null, $"cannot be sent, since the connection broke before: {_broken.Message}", _broken);
        try
        {
            return Exchange(sent, command);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw Broken(new QTestException(name, TextOf(command), Pending(), $"got no whole reply within {Timeout.TotalSeconds:0.###} s", e));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            throw Broken(new QTestException(name, TextOf(command), Pending(), "got no reply: QEMU closed the connection", e));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw Broken(new QTestException(name, TextOf(command), Pending(), $"got no reply: {e.Message}", e));
        }
    }

    private ReadOnlySpan<byte> Exchange(ReadOnlySpan<byte> command, ReadOnlySpan<byte> shown)
    {
        var timeout = checked((int)Timeout.TotalMilliseconds);
        if (socket.ReceiveTimeout != timeout)
            socket.SendTimeout = socket.ReceiveTimeout = timeout;
        for (var rest = command; rest.Length > 0;)
            rest = rest[socket.Send(rest)..];

        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var line = ReadLine(shown, started);
            if (line.StartsWith("IRQ "u8))
                continue;
            if (line is [(byte)'O', (byte)'K'])
                return [];
            if (line.StartsWith("OK "u8))
                return line[3..];
            // FAIL and ERR refuse this one command; anything else means that replies and commands no longer match.
            var refused = line.StartsWith("FAIL"u8) || line.StartsWith("ERR"u8);
            var error = new QTestException(name, TextOf(shown), TextOf(line), refused ? "was refused" : "got what is no qtest reply");
            throw refused ? error : Broken(error);
        }
    }

    /// <summary>The next line, without its end; valid until the next one is read. What came behind it stays in the buffer: IRQ lines come unasked.</summary>
    private ReadOnlySpan<byte> ReadLine(ReadOnlySpan<byte> command, long started)
    {
        if (_lineEnd > 0)
        {
            _buffer.AsSpan(_lineEnd, _used - _lineEnd).CopyTo(_buffer);
            _used -= _lineEnd;
            _lineEnd = 0;
        }
        var scanned = 0;
        while (true)
        {
            var newline = _buffer.AsSpan(scanned, _used - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                _lineEnd = scanned + newline + 1;
                return _buffer.AsSpan(0, _lineEnd - 1).TrimEnd((byte)'\r');
            }
            scanned = _used;
            if (_used >= maxReply)
                throw Broken(new QTestException(name, TextOf(command), Pending(), $"got a reply longer than {maxReply} bytes"));
            if (_used > 0 && TimeProvider.System.GetElapsedTime(started) > Timeout)
                throw new SocketException((int)SocketError.TimedOut);
            if (_used == _buffer.Length)
                Array.Resize(ref _buffer, Math.Min(maxReply, _buffer.Length * 4));
            var received = socket.Receive(_buffer.AsSpan(_used));
            if (received == 0)
                throw Broken(new QTestException(name, TextOf(command), Pending(), "got no whole reply: QEMU closed the connection"));
            _used += received;
        }
    }

    private QTestException Broken(QTestException e)
    {
        _broken = e;
        return e;
    }

    /// <summary>What has come of a reply that is not whole; null when nothing has.</summary>
    private string? Pending() => _used > _lineEnd ? TextOf(_buffer.AsSpan(_lineEnd, _used - _lineEnd)) : null;

    private static string TextOf(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line[..Math.Min(line.Length, KeptOfReply)]).TrimEnd();
}
