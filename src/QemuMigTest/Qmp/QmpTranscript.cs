using System.Globalization;

namespace QemuMigTest.Qmp;

/// <summary>
/// Writes what goes over a QMP connection, a line each: seconds since the start, the side, <c>-&gt;</c> for sent or <c>&lt;-</c> for received, and the text.
/// Flushed line by line, so that a run that is killed leaves it readable. Thread-safe.
/// </summary>
internal sealed class QmpTranscript(TextWriter writer, string name, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _start = time.GetTimestamp();
    private bool _failed;

    public void Sent(ReadOnlySpan<byte> line, int? descriptor) =>
        Write("->", QmpText.Of(line) + (descriptor is { } fd ? string.Create(CultureInfo.InvariantCulture, $" [with file descriptor {fd}]") : ""));

    public void Received(QmpLine line)
    {
        if (line.Kind != QmpLineKind.CleanEnd)
            Write("<-", line.Text + (line.Kind == QmpLineKind.Complete ? "" : $" [{line.Kind}]"));
    }

    public void Ended(QmpDisconnect end) => Write("--", end.Describe());

    private void Write(string direction, string text)
    {
        lock (_lock)
        {
            // The first failure has ended the connection; the end itself is not worth a second one.
            if (_failed)
                return;
            _failed = true;
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.GetElapsedTime(_start).TotalSeconds,12:F6} {name} {direction} {text}"));
            writer.Flush();
            _failed = false;
        }
    }
}
