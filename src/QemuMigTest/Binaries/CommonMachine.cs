namespace QemuMigTest.Binaries;

/// <summary>Chooses the machine type of a pair: source and destination must have the same, versioned one.</summary>
public static class CommonMachine
{
    /// <summary>The variable of upstream's harness that overrides the choice.</summary>
    public const string Variable = "QTEST_QEMU_MACHINE_TYPE";

    /// <summary>The machine type of a pair.</summary>
    /// <param name="source">The source's build.</param>
    /// <param name="destination">The destination's build.</param>
    /// <param name="wanted">A machine type, an alias of one, or null for the newest q35 that both know.</param>
    /// <exception cref="QemuMigTestException">There is none; the message lists what there is.</exception>
    public static string Choose(QemuBinary source, QemuBinary destination, string? wanted)
    {
        var alias = wanted ?? "q35";
        var known = destination.Machines.Select(machine => machine.Name).ToHashSet();
        // A name, not an alias: that very one, whether or not an alias means it too.
        var (onSource, onDestination) = (source.Machines.Any(machine => machine.Name == alias), known.Contains(alias));
        if (onSource || onDestination)
        {
            return onSource == onDestination
                ? alias
                : throw new QemuMigTestException(onSource
                    ? $"Machine type {alias} is known to the source, {source}, but not to the destination, {destination}."
                    : $"Machine type {alias} is known to the destination, {destination}, but not to the source, {source}.");
        }

        // The alias means another version in each build: take the newest of its family that both have.
        var family = new[] { source, destination }.Select(binary => binary.FindMachine(alias)?.Name).OfType<string>().Select(Family).FirstOrDefault()
            ?? throw new QemuMigTestException($"Machine type {alias} is known neither to the source, {source}, nor to the destination, {destination}; the source knows: {string.Join(' ', source.Machines.Select(machine => machine.Name))}.");
        return source.Machines.Select(machine => machine.Name)
            .Where(name => Family(name) == family && known.Contains(name))
            .OrderByDescending(Version)
            .FirstOrDefault()
            ?? throw new QemuMigTestException($"No {family} machine type is known to both the source, {source}, and the destination, {destination}.");
    }

    /// <summary>The version of a machine type: 7.2 of <c>pc-q35-7.2</c>; null where its name does not tell.</summary>
    public static Version? Version(string name) => System.Version.TryParse(name[(name.LastIndexOf('-') + 1)..], out var version) ? version : null;

    private static string Family(string name) => name[..Math.Max(name.LastIndexOf('-'), 0)] is { Length: > 0 } family ? family : name;
}
