namespace QemuMigTest.Streams;

/// <summary>A field of some state, as the stream's own description says it.</summary>
public sealed record VmStateField
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its type, such as <c>uint32</c>, <c>buffer</c>, <c>struct</c>.</summary>
    public required string Type { get; init; }

    /// <summary>How many bytes it has; of an array, each element.</summary>
    public required long Size { get; init; }

    /// <summary>Which element of an array it is, or null.</summary>
    public int? Index { get; init; }

    /// <summary>How many elements it stands for, all of the same size, or null for one.</summary>
    public int? ArrayLength { get; init; }

    /// <summary>What it consists of, or null for a field that is one value.</summary>
    public VmStateDescription? Struct { get; init; }
}
