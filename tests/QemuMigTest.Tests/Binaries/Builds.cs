using QemuMigTest.Binaries;

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
}
