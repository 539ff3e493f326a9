namespace QemuMigTest.Results;

/// <summary>One QEMU build.</summary>
public sealed record QemuRecord
{
    /// <summary>What people call it: the path as it was given, or the store's name.</summary>
    public required string Name { get; init; }

    /// <summary>What it says of itself in <c>query-version</c>: <c>10.0.2</c>.</summary>
    public required string Version { get; init; }

    /// <summary>The package it is from, with the package's version, where QEMU tells.</summary>
    public string? Package { get; init; }

    /// <summary>The absolute path of the binary.</summary>
    public required string Path { get; init; }
}
