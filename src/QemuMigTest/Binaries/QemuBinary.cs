using System.Text.Json.Serialization;

namespace QemuMigTest.Binaries;

/// <summary>A QEMU build and what it can do, as it said itself when it was asked.</summary>
public sealed record QemuBinary
{
    /// <summary>How it is started.</summary>
    [JsonIgnore]
    public QemuLaunch Launch { get; init; } = null!;

    /// <summary>Its version (query-version).</summary>
    public required QemuVersion Version { get; init; }

    /// <summary>The accelerators built in: <c>tcg</c>, <c>kvm</c>, <c>qtest</c>, … (qom-list-types).</summary>
    public required HashSet<string> Accelerators { get; init; }

    /// <summary>The machine types (query-machines).</summary>
    public required IReadOnlyList<MachineType> Machines { get; init; }

    /// <summary>The migration capabilities (query-migrate-capabilities).</summary>
    public required HashSet<string> MigrationCapabilities { get; init; }

    /// <summary>The QMP commands and, for each, its arguments with the values that an enumeration allows (query-qmp-schema).</summary>
    public required IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>> Commands { get; init; }

    /// <summary>The QMP events (query-qmp-schema).</summary>
    public required HashSet<string> Events { get; init; }

    /// <summary>The devices and other types of objects (qom-list-types).</summary>
    public required HashSet<string> Types { get; init; }

    /// <summary>The command-line options that have parameters, with these (query-command-line-options), such as <c>run-with</c>: <c>exit-with-parent</c>.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Options { get; init; }

    /// <summary>Why it makes no TLS credentials, in its own words; null when it does. Their types are there also in a build without GnuTLS, so it was tried.</summary>
    public string? TlsError { get; init; }

    /// <summary>The migration parameters and the values of those that are enumerations (the arguments of migrate-set-parameters).</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> MigrationParameters =>
        Commands.TryGetValue("migrate-set-parameters", out var parameters) ? parameters : new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Whether <c>-object monitor-qmp</c> makes a monitor (since 11.1, where <c>-mon</c> warns).</summary>
    [JsonIgnore]
    public bool HasMonitorObject => Types.Contains("monitor-qmp");

    /// <summary>The machine type of that name or alias, or null.</summary>
    public MachineType? FindMachine(string nameOrAlias) =>
        Machines.FirstOrDefault(machine => machine.Name == nameOrAlias) ?? Machines.FirstOrDefault(machine => machine.Alias == nameOrAlias);

    /// <summary>Whether a QMP command takes an argument.</summary>
    public bool HasArgument(string command, string argument) => Commands.TryGetValue(command, out var arguments) && arguments.ContainsKey(argument);

    /// <summary>Version and name, for headers and skips.</summary>
    public override string ToString() => $"QEMU {Version.Number} ({Launch.Name})";
}
