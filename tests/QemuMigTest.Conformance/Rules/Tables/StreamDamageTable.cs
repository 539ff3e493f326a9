namespace QemuMigTest.Conformance.Rules;

/// <summary>Streams that a destination must refuse, by where they are damaged.</summary>
internal static class StreamDamageTable
{
    private const string Timer = "timer";
    private const string Clock = "mc146818rtc";
    private const string RunState = "globalstate";
    private const string BadSize = "Size mismatch: pc.ram";
    private const string EndOfFile = "Input/output error";
    private const uint Nonesuch = 99;
    private const ulong Beyond = 1UL << 40;
    private const ulong PageFlags = 0xfff;

    /// <summary>What both sides must agree on.</summary>
    public static readonly IReadOnlyList<StreamDamage> Head =
    [
        new("without its magic number", draft => draft.With(0, 0), "Not a migration stream"),
        new("with version 2", draft => draft.WithUInt32(4, 2), "obsolete"),
        new("with version 4", draft => draft.WithUInt32(4, 4), "Unsupported migration stream version"),
        new("without a configuration", draft => draft.With(draft.Configuration, 0x55), "Configuration section missing"),
        new("with another machine type", draft => draft.With(draft.MachineEnd, (byte)'x'), "Machine type received is"),
        new StreamDamage("without x-ignore-shared, which is on", draft => draft.Until(draft.Length), "received capability is off").With("x-ignore-shared"),
    ];

    /// <summary>Capabilities that a stream's configuration tells, and both sides must have or not have.</summary>
    public static readonly IReadOnlyList<string> InConfiguration = ["x-ignore-shared", "mapped-ram"];

    /// <summary>RAM.</summary>
    public static readonly IReadOnlyList<StreamDamage> Ram =
    [
        new("with a block of another size", draft => draft.WithUInt64(draft.BlockLength, length => length + 0x1000), BadSize),
        new("with a smaller block", draft => draft.WithUInt64(draft.BlockLength, length => length - 0x1000), BadSize),
        new("with a block of another name", draft => draft.WithText(draft.BlockName, "qc"), "Unknown ramblock"),
        new("with an address beyond its block", draft => draft.WithUInt64(draft.RamPages.Content, page => page + Beyond), "Illegal RAM offset"),
        new("with a page of no kind", draft => draft.WithUInt64(draft.RamPages.Content, page => page & ~PageFlags), "Unknown combination of migration flags"),
        new("with a piece of a section that has not begun", draft => draft.WithUInt32(draft.RamPages.Id, Nonesuch), "Unknown section", "Unknown savevm section"),
        new("with another version", draft => draft.WithUInt32(draft.RamStart.Version, Nonesuch), "unsupported version 99"),
        new("without a footer", draft => draft.With(draft.RamStart.Footer, 0), "Missing section footer"),
        new("with another's footer", draft => draft.WithUInt32(draft.RamStart.FooterId, Nonesuch), "Mismatched section id in footer"),
    ];

    /// <summary>Devices and commands.</summary>
    public static readonly IReadOnlyList<StreamDamage> Devices =
    [
        new("with a section of no kind", draft => draft.With(draft.Device(Timer).Start, 0x55), "Unknown section type", "Unknown savevm section type"),
        new("with a device that is not there", draft => draft.WithText(draft.Device(Timer).Name, "tamer"), "Unknown section or instance", "Unknown savevm section or instance"),
        new("with an instance that is not there", draft => draft.WithUInt32(draft.Device(Timer).Instance, Nonesuch), "Unknown section or instance", "Unknown savevm section or instance"),
        new("with a newer version of a device", draft => draft.WithUInt32(draft.Device(Timer).Version, Nonesuch), "unsupported version 99"),
        new("with a version of a device that is too old", draft => draft.WithUInt32(draft.Device(Clock).Version, 0), "too old"),
        new("without a device's last byte", draft => draft.Without(draft.Device(Timer).Footer - 1, 1), "Missing section footer"),
        new("without a footer", draft => draft.With(draft.Device(Timer).Footer, 0), "Missing section footer"),
        new("with another's footer", draft => draft.WithUInt32(draft.Device(Timer).FooterId, Nonesuch), "Mismatched section id in footer"),
        new("with a run state that does not exist", draft => draft.WithText(draft.Device(RunState).Content + 4, "nonesuch"), "nonesuch"),
        new("with a command that does not exist", draft => draft.Insert(draft.EndOfState, 0x08, 0, 0x7f, 0, 0), "MIG_CMD 0x7f unknown"),
        new("with a command of another length", draft => draft.Insert(draft.EndOfState, 0x08, 0, 1, 0, 1, 0), "received with bad length"),
    ];

    /// <summary>A stream that ends too early.</summary>
    public static readonly IReadOnlyList<StreamDamage> Truncated =
    [
        Cut("before it begins", _ => 0, "Not a migration stream"),
        Cut("in its version", _ => 6, "Unsupported migration stream version"),
        Cut("in the machine type", draft => draft.MachineEnd, "Failed to load configuration"),
        Cut("in RAM's blocks", draft => draft.BlockLength, BadSize),
        Cut("in RAM's pages", draft => (draft.RamPages.Content + draft.RamPages.End) / 2, "Getting RAM address failed", "(ram)"),
        Cut("before a footer", draft => draft.Device(Timer).Footer, "Read section footer failed"),
        Cut("in a device", draft => draft.Device(Timer).Content + 1, "Failed to load timer"),
        Cut("between two sections", draft => draft.Device(Timer).Start, EndOfFile),
        Cut("before the end of the state", draft => draft.EndOfState, EndOfFile),
    ];

    /// <summary>RAM's places in a file with mapped-ram.</summary>
    public static readonly IReadOnlyList<MappedRamDamage> MappedRam =
    [
        new("with another version of mapped-ram", -28, [0, 0, 0, 99], "capability version not supported"),
        new("with a bitmap behind the end of the file", -16, [1], "Error reading dirty bitmap"),
        new("with pages at no page's place", -1, [1], "region has bad alignment"),
    ];

    private static StreamDamage Cut(string where, Func<StreamDraft, int> end, params IReadOnlyList<string> words) => new($"truncated {where}", draft => draft.Until(end(draft)), words);
}
