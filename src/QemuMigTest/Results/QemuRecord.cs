using QemuMigTest.Binaries;

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

    /// <summary>The record of a build.</summary>
    /// <param name="binary">The build.</param>
    /// <param name="from">How it was found: <c>PATH</c>, <c>store trixie-backports</c>.</param>
    public static QemuRecord Of(QemuBinary binary, string from)
    {
        ArgumentNullException.ThrowIfNull(binary);
        ArgumentNullException.ThrowIfNull(from);
        return new()
        {
            Name = from.Contains(binary.Launch.Name, StringComparison.Ordinal) ? from : $"{binary.Launch.Name} ({from})",
            Version = binary.Version.Number,
            Package = binary.Version.Package is { Length: > 0 } package ? package : null,
            Path = binary.Launch.Executable,
        };
    }
}
