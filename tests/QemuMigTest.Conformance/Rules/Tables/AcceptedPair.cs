namespace QemuMigTest.Conformance.Rules;

/// <summary>Two capabilities that QEMU accepts together and that are nevertheless not migrated with.</summary>
/// <param name="First">A capability; both are the same for one that is not migrated with at all.</param>
/// <param name="Second">The other.</param>
/// <param name="Versions">The versions.</param>
/// <param name="Why">The reason.</param>
internal sealed record AcceptedPair(string First, string Second, VersionRange Versions, string Why)
{
    /// <summary>Whether a set of capabilities has both.</summary>
    public bool IsIn(IReadOnlyCollection<string> capabilities) => capabilities.Contains(First) && capabilities.Contains(Second);
}
