namespace QemuMigTest.Streams;

/// <summary>The JSON at the end of a stream, which says what the devices' state consists of.</summary>
public sealed record StreamDescription
{
    /// <summary>Where in the file the JSON starts, bytes.</summary>
    public required long Offset { get; init; }

    /// <summary>How many bytes of JSON there are.</summary>
    public required int Length { get; init; }

    /// <summary>The page size in bytes; a power of two.</summary>
    public required int PageSize { get; init; }

    /// <summary>What the configuration at the stream's head consists of (since 8.0 or so), or null.</summary>
    public VmStateDescription? Configuration { get; init; }

    /// <summary>The devices, in the stream's order.</summary>
    public required IReadOnlyList<DescribedDevice> Devices { get; init; }
}
