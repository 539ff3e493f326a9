using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;

namespace QemuMigTest.Migration.Channels;

/// <summary>A file (<c>file:</c>, since 8.2): the source writes it, then the destination reads it.</summary>
public sealed class FileChannel : MigrationChannel
{
    /// <summary>What stands in the file before the offset, byte by byte, and must stay.</summary>
    private const byte Before = 0x66;

    // "QEVM", the first four bytes of every migration stream, big endian.
    private const uint StreamMagic = 0x5145564d;
    private readonly long _offset;
    private readonly string? _offsetText;
    private readonly string? _folder;
    private string? _path;

    /// <param name="offset">Where in the file the stream starts, bytes; 0 for a file of its own.</param>
    /// <param name="offsetText">What is written for the offset instead of the number, to see it refused; or null.</param>
    /// <param name="folder">The folder of the file; null for the pair's scratch folder.</param>
    public FileChannel(long offset = 0, string? offsetText = null, string? folder = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        _offset = offset;
        _folder = folder;
        _offsetText = offsetText ?? (offset == 0 ? null : offset.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public override bool DestinationReadsAfterwards => true;

    /// <inheritdoc/>
    public override Task<JsonObject> ListenAsync(MigrationPair pair, CancellationToken ct) => Task.FromResult(Uri(Address));

    /// <inheritdoc/>
    public override async Task<JsonObject> ConnectAsync(MigrationPair pair, CancellationToken ct)
    {
        _path = Path.Combine(_folder ?? pair.Scratch.CreateChild("channel").Path, "migration");
        if (_offset > 0)
        {
            // As a manager does that keeps a header of its own in front.
            await File.WriteAllBytesAsync(_path, Enumerable.Repeat(Before, (int)_offset).ToArray(), ct);
        }

        return Uri(Address);
    }

    /// <summary>The bytes before the offset are untouched and the stream starts at it.</summary>
    /// <exception cref="QemuMigTestException">It is not so.</exception>
    public override async Task VerifyCompletedAsync(MigrationPair pair, CancellationToken ct)
    {
        var head = new byte[_offset + sizeof(uint)];
        await using var file = File.OpenRead(_path!);
        await file.ReadExactlyAsync(head, ct);
        var touched = head.AsSpan(0, (int)_offset).IndexOfAnyExcept(Before);
        if (touched >= 0)
        {
            throw new QemuMigTestException($"{_path}: byte {touched}, before the offset {_offset}, was changed to 0x{head[touched]:x2}.");
        }

        var magic = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan((int)_offset));
        if (magic != StreamMagic)
        {
            throw new QemuMigTestException($"{_path}: at offset {_offset} stands 0x{magic:x8}, not the start of a migration stream (0x{StreamMagic:x8}).");
        }
    }

    /// <summary>The file; known once the source connects.</summary>
    /// <exception cref="InvalidOperationException">The source has not connected.</exception>
    public string FilePath => _path ?? throw new InvalidOperationException("The source has not connected.");

    /// <summary>How long the stream in the file is, bytes; known once the source has written it.</summary>
    internal long StreamBytes => new FileInfo(FilePath).Length - _offset;

    /// <summary>What is said of the offset behind the file's name.</summary>
    internal string OffsetSuffix => _offsetText is null ? "" : $",offset={_offsetText}";

    private string Address => $"file:{_path}{OffsetSuffix}";
}
