namespace QemuMigTest.Cli.Catalogue;

/// <summary>Records of runs do not make a catalogue. The message says which and why, and what does.</summary>
internal sealed class CatalogueException(string message) : QemuMigTestException(message);
