namespace QemuMigTest.Cli.Output;

/// <summary>Standard output or standard error: where to write, and whether a person is looking.</summary>
/// <param name="Writer">Where to write; every write arrives at once.</param>
/// <param name="IsTerminal">Whether it is a terminal that can move its cursor.</param>
/// <param name="Utf8">Whether it shows more than ASCII.</param>
internal sealed record OutputTarget(TextWriter Writer, bool IsTerminal, bool Utf8);
