using System.Buffers.Binary;

namespace QemuMigTest.Migration.Channels;

/// <summary>Tells, piece by piece, whether a stream of bytes is made of TLS's records (RFC 8446, 5.1), and of nothing else.</summary>
internal sealed class TlsRecords
{
    private const int HeaderBytes = 5;
    private const byte FirstType = 20;
    private const byte LastType = 23;
    private const byte Major = 3;

    // 2^14 and what encryption adds in TLS 1.2.
    private const int MostBytes = (1 << 14) + 2048;
    private readonly byte[] _header = new byte[HeaderBytes];
    private int _headerBytes;
    private int _left;

    /// <summary>Whether nothing else has come so far.</summary>
    public bool AreAll { get; private set; } = true;

    /// <summary>Takes what comes next.</summary>
    public void Add(ReadOnlySpan<byte> piece)
    {
        while (AreAll && piece.Length > 0)
        {
            if (_left > 0)
            {
                var skipped = Math.Min(_left, piece.Length);
                _left -= skipped;
                piece = piece[skipped..];
                continue;
            }

            var taken = Math.Min(HeaderBytes - _headerBytes, piece.Length);
            piece[..taken].CopyTo(_header.AsSpan(_headerBytes));
            piece = piece[taken..];
            if ((_headerBytes += taken) == HeaderBytes)
            {
                _headerBytes = 0;
                _left = BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(3));
                AreAll = _header[0] is >= FirstType and <= LastType && _header[1] == Major && _left <= MostBytes;
            }
        }
    }
}
