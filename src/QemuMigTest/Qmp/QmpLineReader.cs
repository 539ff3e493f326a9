using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace QemuMigTest.Qmp;

/// <summary>Cuts a stream into lines that end in <c>\n</c> or <c>\r\n</c>; empty lines are passed over.</summary>
/// <remarks>Buffers no more than the longest line allowed and one read. One read at a time.</remarks>
/// <param name="pipe">The stream; the caller completes it.</param>
/// <param name="maxLength">The longest line, in bytes, its end not counted.</param>
internal sealed class QmpLineReader(PipeReader pipe, int maxLength)
{
    /// <summary>How much of a line that is too long, or was cut, is kept for the error.</summary>
    private const int KeptOfBadLine = 1024;

    /// <summary>The bytes at the start of the buffer that are known to hold no line end.</summary>
    private long _scanned;

    public async ValueTask<QmpLine> ReadAsync(CancellationToken ct)
    {
        while (true)
        {
            ReadResult result;
            try
            {
                result = await pipe.ReadAsync(ct);
            }
            catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
            {
                // How a Unix socket says that the peer closed without having read all; what the peer had sent was read before this.
                return new QmpLine(_scanned == 0 ? QmpLineKind.CleanEnd : QmpLineKind.CutMidLine, []);
            }
            var buffer = result.Buffer;
            if (buffer.Slice(_scanned).PositionOf((byte)'\n') is { } newline)
            {
                _scanned = 0;
                var line = WithoutCarriageReturn(buffer.Slice(0, newline));
                var kind = line.Length > maxLength ? QmpLineKind.TooLong : QmpLineKind.Complete;
                var bytes = Copy(line, kind);
                pipe.AdvanceTo(buffer.GetPosition(1, newline));
                if (bytes.Length > 0)
                    return new QmpLine(kind, bytes);
                continue;
            }

            var rest = WithoutCarriageReturn(buffer);
            var bad = rest.Length > maxLength ? QmpLineKind.TooLong
                : !result.IsCompleted ? QmpLineKind.Complete
                : rest.IsEmpty ? QmpLineKind.CleanEnd
                : QmpLineKind.CutMidLine;
            if (bad != QmpLineKind.Complete)
            {
                var bytes = Copy(rest, bad);
                pipe.AdvanceTo(buffer.End);
                return new QmpLine(bad, bytes);
            }
            _scanned = buffer.Length;
            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static byte[] Copy(ReadOnlySequence<byte> line, QmpLineKind kind) =>
        (kind == QmpLineKind.Complete ? line : line.Slice(0, Math.Min(line.Length, KeptOfBadLine))).ToArray();

    private static ReadOnlySequence<byte> WithoutCarriageReturn(ReadOnlySequence<byte> line)
    {
        if (line.IsEmpty)
            return line;
        var beforeLast = line.Slice(0, line.Length - 1);
        return line.Slice(beforeLast.End).FirstSpan is [(byte)'\r'] ? beforeLast : line;
    }
}
