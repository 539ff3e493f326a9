using QemuMigTest.Binaries;
using QemuMigTest.Hosts;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

/// <summary>What all pairs of a run have in common.</summary>
/// <param name="Source">The source's build.</param>
/// <param name="Destination">The destination's build.</param>
/// <param name="MachineType">The versioned machine type that both know.</param>
/// <param name="Accelerator">What runs the guest.</param>
/// <param name="Host">What this machine can do.</param>
/// <param name="Limits">How long waits may take.</param>
/// <param name="Log">Where QMP is shown as it passes, or null.</param>
public sealed record MigrationEnvironment(
    QemuBinary Source,
    QemuBinary Destination,
    string MachineType,
    AcceleratorChoice Accelerator,
    HostFeatures Host,
    TimeLimits Limits,
    TextWriter? Log = null)
{
    /// <summary>Makes keys and certificates, each once a run.</summary>
    public TlsAuthority Tls { get; init; } = new();

    /// <summary>Whether <see cref="MachineType"/> is one of q35's (pc-q35-…), whose chipset, buses and registers are other than those of pc (pc-i440fx-…).</summary>
    public bool IsQ35 => MachineType.Contains("q35", StringComparison.Ordinal);

    /// <summary>Of which version of QEMU the machine is: 7.2 for <c>pc-q35-7.2</c>; null where its name does not tell.</summary>
    public Version? MachineVersion => CommonMachine.Version(MachineType);

    /// <summary>Source and destination, or the one build that is both.</summary>
    public IEnumerable<(string Side, QemuBinary Binary)> Sides => Source == Destination
        ? [("source and destination", Source)]
        : [("source", Source), ("destination", Destination)];
}
