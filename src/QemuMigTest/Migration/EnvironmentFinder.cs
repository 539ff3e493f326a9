using QemuMigTest.Binaries;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>Finds what a run takes place on: the builds, what they can do, the machine type and the accelerator.</summary>
public static class EnvironmentFinder
{
    /// <summary>Locates the QEMUs (or fetches one), asks them what they can do, and chooses machine type and accelerator.</summary>
    /// <param name="request">Where to look.</param>
    /// <param name="accelerator">auto, tcg, kvm or null.</param>
    /// <param name="machineType">A machine type, an alias, or null.</param>
    /// <param name="limits">How long waits may take.</param>
    /// <param name="spawner">Starts the QEMUs that are asked.</param>
    /// <param name="scratch">For their sockets.</param>
    /// <param name="progress">Told of a download.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>The environment, and how the QEMUs were found.</returns>
    /// <exception cref="QemuMigTestException">Nothing can be tested: no QEMU, none that answers, no machine type or accelerator in common.</exception>
    public static async Task<(MigrationEnvironment Environment, QemuPair Found)> FindAsync(
        QemuLocatorRequest request, string? accelerator, string? machineType, TimeLimits limits,
        ProcessSpawner spawner, ScratchDirectory scratch, IProgress<StoreProgress>? progress, CancellationToken ct)
    {
        var found = await QemuLocator.LocateAsync(request, progress, ct);
        var prober = new QemuProber(spawner, scratch, limits, new ProbeCache(CacheFolders.Probes));
        var source = await prober.ProbeAsync(found.Source, ct);
        var destination = found.Destination.Executable == found.Source.Executable ? source : await prober.ProbeAsync(found.Destination, ct);
        var host = HostFeatures.Probe() with { DirectIoError = HostFeatures.ProbeDirectIo(scratch.Path) };
        return (new MigrationEnvironment(
            source,
            destination,
            CommonMachine.Choose(source, destination, machineType),
            AcceleratorChoice.Choose(accelerator, host, source, destination),
            host,
            limits), found);
    }
}
