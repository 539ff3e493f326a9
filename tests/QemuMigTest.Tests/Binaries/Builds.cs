using QemuMigTest.Binaries;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;

namespace QemuMigTest.Tests.Binaries;

/// <summary>Builds that exist only on paper.</summary>
internal static class Builds
{
    public static QemuBinary Of(int major, int minor, params MachineType[] machines) => new()
    {
        Launch = QemuLaunch.OfBinary($"/opt/qemu-{major}.{minor}"),
        Version = new(major, minor, 0, ""),
        Accelerators = ["tcg", "kvm"],
        Machines = machines,
        MigrationCapabilities = ["events", "multifd"],
        Commands = new Dictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>>
        {
            ["migrate"] = new Dictionary<string, IReadOnlyList<string>> { ["uri"] = [], ["channels"] = ["file", "socket"] },
        },
        Events = ["STOP"],
        Types = ["ide-hd"],
        Options = new Dictionary<string, IReadOnlyList<string>> { ["run-with"] = ["async-teardown"] },
    };

    public static MigrationEnvironment Pair(QemuBinary source, QemuBinary destination) =>
        new(source, destination, "q35", new AcceleratorChoice("tcg", ""), new HostFeatures(false, false, null), new TimeLimits());
}
