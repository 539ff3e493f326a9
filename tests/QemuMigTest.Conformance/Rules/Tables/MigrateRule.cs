namespace QemuMigTest.Conformance.Rules;

/// <summary>A migrate that a source refuses because of what is set on it, or of where to.</summary>
/// <param name="Capabilities">What is on, by QAPI's names, separated by spaces.</param>
/// <param name="Parameters">What is set, as JSON.</param>
/// <param name="Uri">Where to.</param>
/// <param name="Reason">Why it is refused.</param>
internal sealed record MigrateRule(string Capabilities, string Parameters, string Uri, Refusal Reason)
{
    /// <summary>The versions that refuse it.</summary>
    public VersionRange Versions { get; init; } = VersionRange.Always;

    /// <summary>The versions whose migration has begun by then, and ends as failed; null for none.</summary>
    public VersionRange? Fails { get; init; }

    /// <summary>The same rule, for some versions.</summary>
    public MigrateRule For(VersionRange versions) => this with { Versions = versions };

    /// <summary>The same rule, for a migration that begins and fails in some versions.</summary>
    public MigrateRule FailingIn(VersionRange versions) => this with { Fails = versions };
}
