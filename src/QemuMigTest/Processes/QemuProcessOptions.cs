using QemuMigTest.Binaries;
using QemuMigTest.Hosts;

namespace QemuMigTest.Processes;

/// <summary>What one QEMU is started with, but for its monitor, qtest and serial sockets, which <see cref="QemuProcess"/> adds.</summary>
public sealed record QemuProcessOptions
{
    /// <summary>What the process is called in errors, file names and <c>ps</c>: "source", "destination".</summary>
    public required string Name { get; init; }

    /// <summary>The build.</summary>
    public required QemuLaunch Launch { get; init; }

    /// <summary>QEMU's own arguments.</summary>
    public required QemuCommandLine CommandLine { get; init; }

    /// <summary>Where sockets and logs go.</summary>
    public required ScratchDirectory Scratch { get; init; }

    /// <summary>How long waits may take.</summary>
    public required TimeLimits Limits { get; init; }

    /// <summary>Use <c>-object monitor-qmp</c> (since 11.1) instead of <c>-mon</c>, which warns there.</summary>
    public bool MonitorObject { get; init; }

    /// <summary>Where QMP is shown as it passes, beside the transcript in the scratch folder; or null.</summary>
    public TextWriter? Log { get; init; }

    /// <summary>Connect the qtest protocol.</summary>
    public bool QTest { get; init; } = true;

    /// <summary>Connect the first serial port.</summary>
    public bool Serial { get; init; } = true;
}
