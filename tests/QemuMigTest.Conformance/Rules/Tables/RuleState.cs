using System.Collections.Immutable;

namespace QemuMigTest.Conformance.Rules;

/// <summary>What is set in a QEMU, as far as rules of capabilities speak of it.</summary>
/// <param name="On">The capabilities that are on.</param>
/// <param name="Compressed">multifd-compression is not none.</param>
/// <param name="Tls">tls-creds names something.</param>
internal sealed record RuleState(ImmutableSortedSet<string> On, bool Compressed = false, bool Tls = false)
{
    /// <summary>QEMU's defaults.</summary>
    public static RuleState AllOff => new(ImmutableSortedSet.Create<string>(StringComparer.Ordinal));

    /// <summary>Whether a capability is on.</summary>
    public bool Has(string capability) => On.Contains(capability);

    /// <summary>The same after one migrate-set-capabilities: of a capability that is named twice, the last counts.</summary>
    public RuleState With(IEnumerable<(string Name, bool On)> changes) =>
        this with { On = changes.Aggregate(On, (on, change) => change.On ? on.Add(change.Name) : on.Remove(change.Name)) };
}
