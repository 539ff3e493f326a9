using QemuMigTest.Results;

namespace QemuMigTest.Cli;

/// <summary>What a run takes place on: shown in its header, written to its record.</summary>
internal sealed record SuiteEnvironment
{
    /// <summary>The QEMU that migrations begin in; null if the suite has none.</summary>
    public QemuRecord? Source { get; init; }

    /// <summary>The QEMU that migrations end in; null if the suite has none.</summary>
    public QemuRecord? Destination { get; init; }

    /// <summary>The machine type of both sides.</summary>
    public string? MachineType { get; init; }

    /// <summary><c>tcg</c> or <c>kvm</c>.</summary>
    public string? Accelerator { get; init; }

    /// <summary>Why this accelerator: <c>/dev/kvm is not there</c>.</summary>
    public string? AcceleratorReason { get; init; }

    /// <summary>The machine.</summary>
    public required HostRecord Host { get; init; }

    /// <summary>NUnit test parameters for the tests, beside those that the command passes itself; these are stronger.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}
