namespace QemuMigTest.Binaries.Store;

/// <summary>A package that a stored build was unpacked from.</summary>
/// <param name="Name">The package's name.</param>
/// <param name="Version">Its Debian version, with epoch.</param>
/// <param name="Architecture"><c>amd64</c> or <c>all</c>.</param>
/// <param name="Sha256">The hash of the archive in lower-case hex, taken after apt had checked it against the signed lists.</param>
public sealed record StorePackage(string Name, string Version, string Architecture, string Sha256);
