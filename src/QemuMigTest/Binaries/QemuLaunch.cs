namespace QemuMigTest.Binaries;

/// <summary>How one QEMU build is started: what is executed, what stands before its own arguments, and its environment.</summary>
/// <remarks>
/// A build of the machine's own has neither prefix nor environment. A build of the store that needs another C library is started
/// by that library's loader.
/// </remarks>
public sealed record QemuLaunch
{
    /// <summary>What people call it: the path as it was given, or the store's name such as <c>trixie-backports</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The absolute path of the QEMU binary itself; its size and time tell when what is known of it is out of date.</summary>
    public required string Executable { get; init; }

    /// <summary>The absolute path of what is executed: the binary, or the loader that loads it.</summary>
    public required string FileName { get; init; }

    /// <summary>Arguments before QEMU's own.</summary>
    public IReadOnlyList<string> PrefixArguments { get; init; } = [];

    /// <summary>Variables added to the environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>A binary of the machine's own.</summary>
    public static QemuLaunch OfBinary(string path) => new()
    {
        Name = path,
        Executable = Path.GetFullPath(path),
        FileName = Path.GetFullPath(path),
    };
}
