using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace QemuMigTest.Streams;

/// <summary>Reads a stream's numbers, names and contents one after the other, through one buffer.</summary>
internal sealed class StreamInput(StreamSource source, long position) : IDisposable
{
    /// <summary>The longest piece that can be had at once, bytes.</summary>
    public const int BufferSize = 256 * 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);

    // The buffer holds what is in the file from _bufferOffset on; of it, _next to _filled is still to be read.
    private long _bufferOffset = position;
    private int _next;
    private int _filled;
    private bool _disposed;

    /// <summary>Where in the file the next byte is.</summary>
    public long Position => _bufferOffset + _next;

    /// <summary>Where the file ends.</summary>
    public long End => source.Length;

    /// <summary>The file's path, or null.</summary>
    public string? Path => source.Path;

    /// <summary>Some bytes; valid until the next call.</summary>
    /// <param name="count">How many, at most <see cref="BufferSize"/>.</param>
    /// <param name="what">What they are, for the error when they are not there.</param>
    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (_filled - _next < count)
        {
            Fill(count, what);
        }

        var bytes = _buffer.AsSpan(_next, count);
        _next += count;
        return bytes;
    }

    public byte TakeByte(string what) => Take(1, what)[0];

    public ushort TakeUInt16(string what) => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort), what));

    public uint TakeUInt32(string what) => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint), what));

    public ulong TakeUInt64(string what) => BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong), what));

    /// <summary>The next byte, which stays; or -1 at the end.</summary>
    public int Peek()
    {
        if (_next == _filled && Position < End)
        {
            Fill(1, "a byte");
        }

        return _next < _filled ? _buffer[_next] : -1;
    }

    /// <summary>A name with its length in a byte before it.</summary>
    public string TakeName(string what)
    {
        var start = Position;
        var length = TakeByte($"the length of {what}");
        return length > 0 ? TakeText(length, what) : throw Error(start, $"the length of {what}, 1 to 255", "0");
    }

    /// <summary>A text of printable characters.</summary>
    public string TakeText(int length, string what)
    {
        var start = Position;
        var bytes = Take(length, what);
        try
        {
            var text = StrictUtf8.GetString(bytes);
            return text.Any(char.IsControl) ? throw Error(start, $"{what}, a text", Hex(bytes)) : text;
        }
        catch (DecoderFallbackException)
        {
            throw Error(start, $"{what}, a text", Hex(bytes));
        }
    }

    /// <summary>Leaves bytes out.</summary>
    public void Skip(long count, string what)
    {
        if (count > End - Position)
        {
            throw Truncated(count, what);
        }

        MoveTo(Position + count);
    }

    /// <summary>Goes on at another place.</summary>
    public void MoveTo(long offset)
    {
        if (offset >= _bufferOffset && offset - _bufferOffset <= _filled)
        {
            _next = (int)(offset - _bufferOffset);
            return;
        }

        _bufferOffset = offset;
        _next = _filled = 0;
    }

    public StreamFormatException Error(long offset, string expected, string seen, Exception? inner = null) => new(offset, expected, seen, source.Path, inner);

    public static string Hex(ReadOnlySpan<byte> bytes) => $"0x{Convert.ToHexStringLower(bytes[..Math.Min(bytes.Length, 16)])}{(bytes.Length > 16 ? "…" : "")}";

    /// <summary>A text in quotes, or its bytes where a terminal would not just print it.</summary>
    public static string Printable(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes) is var text && text.Any(char.IsControl) ? Hex(bytes) : $"'{text}'";

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private void Fill(int count, string what)
    {
        if (count > End - Position)
        {
            throw Truncated(count, what);
        }

        var left = _filled - _next;
        _buffer.AsSpan(_next, left).CopyTo(_buffer);
        _bufferOffset += _next;
        _next = 0;
        _filled = left + source.Read(_buffer.AsSpan(left, BufferSize - left), _bufferOffset + left);
        if (_filled < count)
        {
            // Someone has cut it while it was read.
            throw Truncated(count, what);
        }
    }

    private StreamFormatException Truncated(long count, string what) =>
        Error(Position, string.Create(CultureInfo.InvariantCulture, $"{what} ({count} bytes)"), string.Create(CultureInfo.InvariantCulture, $"the end of the file at 0x{End:x}: it is truncated or damaged"));
}
