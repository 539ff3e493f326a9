namespace QemuMigTest.Cli.Bench;

/// <summary>A benchmark could not be made. The message says what failed, and what to do.</summary>
internal sealed class BenchmarkException(string message) : QemuMigTestException(message);
