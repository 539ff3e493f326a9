using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Binaries;

/// <summary>What was said about the QEMUs to test, and where to look when nothing was.</summary>
public sealed record QemuLocatorRequest
{
    /// <summary>For both sides: a path, a command on PATH, or the name of a suite of the store; null when nothing was said.</summary>
    public string? Qemu { get; init; }

    /// <summary>The same for the source alone.</summary>
    public string? Source { get; init; }

    /// <summary>The same for the destination alone.</summary>
    public string? Destination { get; init; }

    /// <summary>Looks up environment variables; one that is empty counts as not set.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Folders in which commands are looked for, separated by colons; null for the variable PATH of <see cref="Environment"/>.</summary>
    public string? SearchPath { get; init; }

    /// <summary>The store, from which and into which builds are fetched.</summary>
    public QemuStore Store { get; init; } = new();
}
