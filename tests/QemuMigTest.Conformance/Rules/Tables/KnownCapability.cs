namespace QemuMigTest.Conformance.Rules;

/// <summary>A capability that the table knows.</summary>
/// <param name="Name">QAPI's name.</param>
/// <param name="Versions">The versions that must have it.</param>
internal sealed record KnownCapability(string Name, VersionRange Versions);
