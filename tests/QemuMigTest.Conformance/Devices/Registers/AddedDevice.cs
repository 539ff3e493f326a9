using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>A device that a machine has besides those of the board, and that a driver has written to.</summary>
/// <param name="Model">What -device calls it.</param>
internal sealed record AddedDevice(string Model)
{
    /// <summary>More of its -device, such as <c>romfile=</c>; no bus and no address.</summary>
    public string Options { get; init; } = "";

    /// <summary>What is behind it, each an option and its value: before it on the command line.</summary>
    public IReadOnlyList<(string Option, string Value)> Backends { get; init; } = [];

    /// <summary>What hangs on it (-device), behind it on the command line.</summary>
    public IReadOnlyList<string> Attached { get; init; } = [];

    /// <summary>The ports that have its registers, where it is none of PCI's; null for one of PCI's, which says itself where they are.</summary>
    public IReadOnlyList<(ushort First, int Count)>? Ports { get; init; }

    /// <summary>What is written to it, in order: where in its first range of registers, how many bytes, what. Else something else into each of its registers.</summary>
    public IReadOnlyList<(int At, int Bytes, uint Value)>? Planted { get; init; }

    /// <summary>Whether it reaches memory: it has tables there that the firmware has made, and does without them what no driver wants. Else it must not, for what is written to it may send it anywhere.</summary>
    public bool ReachesMemory { get; init; }

    /// <summary>Whether it shows anything of what is written to it.</summary>
    public bool ShowsIt { get; init; } = true;

    /// <summary>The first QEMU that lets a machine with it migrate: the version in which that was seen, or a guess.</summary>
    public Version? MigratesSince { get; init; }

    /// <summary>The options of a command line that give a machine this device.</summary>
    /// <param name="slot">Where on PCI's first bus, 1 to 30; without a meaning for others.</param>
    public IEnumerable<string> Arguments(int slot)
    {
        var options = Options.Length == 0 ? "" : $",{Options}";
        return
        [
            .. Backends.SelectMany(backend => (string[])[backend.Option, backend.Value]),
            "-device", Ports is null ? $"{Model},addr=0x{slot:x}{options}" : $"{Model}{options}",
            .. Attached.SelectMany(device => (string[])["-device", device]),
        ];
    }

    /// <summary>Whether both sides have it, and would migrate with it.</summary>
    public bool IsIn(MigrationEnvironment environment) =>
        environment.Sides.All(side => side.Binary.Types.Contains(Model) && (MigratesSince is not { } since || side.Binary.Version.IsAtLeast(since.Major, since.Minor)));

    /// <summary>A machine with all of them.</summary>
    /// <returns>Its options, and in which slot which of PCI's is.</returns>
    public static (QemuCommandLine Arguments, IReadOnlyDictionary<AddedDevice, int> Slots) Assemble(IEnumerable<AddedDevice> devices)
    {
        const int FirstSlot = 4;
        var (arguments, slots) = (new QemuCommandLine(), new Dictionary<AddedDevice, int>());
        foreach (var device in devices)
        {
            slots[device] = FirstSlot + slots.Count;
            arguments = arguments.With(device.Arguments(slots[device]));
        }

        return (arguments, slots);
    }
}
