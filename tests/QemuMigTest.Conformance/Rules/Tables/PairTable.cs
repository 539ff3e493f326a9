using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Which accepted capabilities are migrated with, all pairs of them in few migrations.</summary>
internal static class PairTable
{
    /// <summary>Accepted, and not migrated with here.</summary>
    public static readonly IReadOnlyList<AcceptedPair> NotMigrated =
    [
        new("events", "events", VersionRange.Always, "it is on in every pair"),
        new("x-colo", "x-colo", VersionRange.Always, "COLO ends in a failover and not in a migration: /migration/colo"),
        new("background-snapshot", "background-snapshot", VersionRange.Always, "the guest stays in the source: a snapshot is no migration"),
        new("dirty-limit", "dirty-limit", VersionRange.Always, "it needs KVM with a dirty ring: /migration/dirty_limit"),
        new("block", "block", VersionRange.Always, "it writes to the destination's disk, which is the framework's; gone since 9.1"),
        // docs/findings.md, each of them.
        new("mapped-ram", "return-path", VersionRange.Always, "the source reads from the file that it writes, and fails or waits for ever"),
        new("mapped-ram", "x-ignore-shared", VersionRange.To(11, 0), "the source fails with Bad address, or the destination finds a region badly aligned; 11.1 does it"),
        new("multifd", "postcopy-ram", VersionRange.To(8, 0), "the destination aborts when postcopy begins"),
    ];

    /// <summary>The sets of capabilities to migrate with: every two that go together on both sides are both on in one of them, and each on without the other where it may be.</summary>
    /// <param name="available">What both builds have.</param>
    /// <param name="contexts">What rules speak of, of each side.</param>
    public static IReadOnlyList<IReadOnlySet<string>> Rows(IEnumerable<string> available, params IReadOnlyList<RuleContext> contexts)
    {
        var apart = NotMigrated.Where(pair => contexts.Any(context => pair.Versions.Includes(context.Version))).ToList();
        var names = CapabilityTable.Known.Select(known => known.Name).Intersect(available).Where(name => !apart.Exists(pair => pair.IsIn([name]))).ToList();
        return CoveringArray.Of(names, CapabilityNeeds.Of, on => !apart.Exists(pair => pair.IsIn(on))
            && contexts.All(context => CapabilityRule.Broken(CapabilityTable.Rules, RuleState.AllOff, RuleState.AllOff.With(on.Select(name => (name, true))), context).Count == 0));
    }

    /// <summary>Those that need none of some others, which are not to be had.</summary>
    public static IEnumerable<string> Without(IEnumerable<string> available, IReadOnlyCollection<string> missing) =>
        available.Where(name => !missing.Contains(name) && !CapabilityNeeds.Of(name).Any(missing.Contains));

    /// <summary>What two builds have in common.</summary>
    public static IEnumerable<string> Common(QemuBinary source, QemuBinary destination) => source.MigrationCapabilities.Intersect(destination.MigrationCapabilities);
}
