namespace QemuMigTest.Binaries.Store;

/// <summary>A Debian suite that a QEMU is fetched from.</summary>
/// <param name="Name">What people call it and what its folder in the store is called, such as <c>trixie-backports</c>.</param>
/// <param name="Release">The release that the libraries come from; for a suite that is no backport, the suite itself.</param>
/// <param name="QemuVersion">The QEMU version it is known to have, major and minor; what was really fetched is told by <see cref="StoredQemu.Version"/>.</param>
public sealed record QemuSuite(string Name, string Release, string QemuVersion)
{
    /// <summary>The suites whose package lists are needed.</summary>
    internal IReadOnlyList<string> Sources => Name == Release ? [Release] : [Release, Name];

    public override string ToString() => Name;
}
