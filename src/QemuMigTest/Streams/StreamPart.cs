namespace QemuMigTest.Streams;

/// <summary>A part of a stream; or several that follow each other and differ only in their content.</summary>
public sealed record StreamPart
{
    /// <summary>What it is.</summary>
    public required StreamPartKind Kind { get; init; }

    /// <summary>Where in the file it starts, bytes.</summary>
    public required long Offset { get; init; }

    /// <summary>How many bytes it has, header and footer included; with mapped-ram the pages of RAM too.</summary>
    public required long Length { get; init; }

    /// <summary>How many of this kind, with this id, follow each other; 1 or more.</summary>
    public long Count { get; init; } = 1;

    /// <summary>The section's or the command's name, or null for what has none.</summary>
    public string? Name { get; init; }

    /// <summary>The section's number, which its footer repeats; or null.</summary>
    public uint? SectionId { get; init; }

    /// <summary>Which of several devices of the same name; null for what is no section.</summary>
    public uint? InstanceId { get; init; }

    /// <summary>The version of the section's format; null for what is no section.</summary>
    public uint? Version { get; init; }
}
