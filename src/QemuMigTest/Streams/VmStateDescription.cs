namespace QemuMigTest.Streams;

/// <summary>What some state consists of (a VMStateDescription of QEMU), as the stream's own description says it.</summary>
public sealed record VmStateDescription
{
    /// <summary>Its name (vmsd_name), or null where QEMU gives none.</summary>
    public string? Name { get; init; }

    /// <summary>The version of its format, or null where QEMU gives none.</summary>
    public long? Version { get; init; }

    /// <summary>How many bytes it has, or null where QEMU gives only those of its fields.</summary>
    public long? Size { get; init; }

    /// <summary>Its fields, in the stream's order.</summary>
    public IReadOnlyList<VmStateField> Fields { get; init; } = [];

    /// <summary>What follows the fields, each with a header of its own.</summary>
    public IReadOnlyList<VmStateDescription> Subsections { get; init; } = [];
}
