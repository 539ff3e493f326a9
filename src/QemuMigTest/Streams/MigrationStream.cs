namespace QemuMigTest.Streams;

/// <summary>A migration stream of QEMU in a file: what it consists of. Each part of it was checked against the others when it was read.</summary>
/// <remarks>Plain streams and those of capability mapped-ram; see docs/streams.md for what is checked.</remarks>
public sealed class MigrationStream
{
    private readonly Func<StreamSource> _open;

    internal MigrationStream(Func<StreamSource> open) => _open = open;

    /// <summary>The file's path, or null for a stream in memory.</summary>
    public string? Path { get; internal init; }

    /// <summary>Where in the file the stream starts, bytes.</summary>
    public required long Offset { get; init; }

    /// <summary>How many bytes it has.</summary>
    public required long Length { get; init; }

    /// <summary>What both sides must agree on.</summary>
    public required StreamConfiguration Configuration { get; init; }

    /// <summary>The page size in bytes.</summary>
    public required int PageSize { get; init; }

    /// <summary>All that it consists of, in order.</summary>
    public required IReadOnlyList<StreamPart> Parts { get; init; }

    /// <summary>The blocks of RAM, in order.</summary>
    public required IReadOnlyList<RamBlock> Blocks { get; init; }

    /// <summary>The devices, in order.</summary>
    public required IReadOnlyList<DeviceState> Devices { get; init; }

    /// <summary>The description at its end; null if it has none, as after postcopy.</summary>
    public required StreamDescription? Description { get; init; }

    /// <summary>Reads a stream from a file, and checks it.</summary>
    /// <param name="path">The file. It must be a plain one: a stream is read from both its ends.</param>
    /// <param name="offset">Where in the file it starts, bytes, as with <c>file:…,offset=</c>.</param>
    /// <param name="visitor">Sees the pages on the way, or null.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="StreamFormatException">It is no stream, or a damaged, truncated or unknown one.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file must not be read.</exception>
    public static MigrationStream Read(string path, long offset = 0, IStreamVisitor? visitor = null, CancellationToken ct = default) =>
        Read(() => StreamSource.OfFile(path), offset, visitor, ct);

    /// <summary>Reads a stream from memory, and checks it; see <see cref="Read(string, long, IStreamVisitor?, CancellationToken)"/>.</summary>
    public static MigrationStream Read(ReadOnlyMemory<byte> bytes, long offset = 0, IStreamVisitor? visitor = null, CancellationToken ct = default) =>
        Read(() => StreamSource.OfMemory(bytes), offset, visitor, ct);

    /// <summary>The fields of a device with their values.</summary>
    /// <param name="device">One of <see cref="Devices"/>.</param>
    /// <exception cref="StreamFormatException">The file has changed since it was read.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public IReadOnlyList<StreamField> ReadFields(DeviceState device)
    {
        using var source = _open();
        using var input = new StreamInput(source, device.Offset);
        List<StreamField> fields = [];
        new FieldWalker(input, (field, path, offset) =>
        {
            var count = field.ArrayLength ?? 1;
            var bytes = new byte[(int)Math.Min(field.Size * count, StreamField.LongestValue)];
            // The input stays where it is.
            var length = source.Read(bytes, offset);
            fields.Add(new StreamField(path, field.Type, offset, field.Size, count, bytes.AsMemory(0, length)));
        }).Walk(device.Description, $"'{device.Name}' {device.InstanceId}");
        return fields;
    }

    private static MigrationStream Read(Func<StreamSource> open, long offset, IStreamVisitor? visitor, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        using var source = open();
        using var input = new StreamInput(source, offset);
        return new StreamSectionReader(input, source, visitor).Read(open, offset, ct);
    }
}
