namespace QemuMigTest.Binaries;

/// <summary>The QEMUs of the two sides of a migration, and how each was found.</summary>
/// <param name="Source">The QEMU to migrate from.</param>
/// <param name="SourceFrom">How it was found, such as <c>--qemu</c>, <c>PATH</c> or <c>store trixie-backports</c>.</param>
/// <param name="Destination">The QEMU to migrate to.</param>
/// <param name="DestinationFrom">How it was found.</param>
public sealed record QemuPair(QemuLaunch Source, string SourceFrom, QemuLaunch Destination, string DestinationFrom);
