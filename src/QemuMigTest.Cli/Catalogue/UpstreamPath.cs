namespace QemuMigTest.Cli.Catalogue;

/// <summary>A test path of QEMU's own migration-test.</summary>
/// <param name="Path">The path, without the architecture that upstream puts before it.</param>
/// <param name="Since">The version of QEMU whose harness has it: <c>10.2</c> or <c>11.0</c>.</param>
/// <param name="When">What upstream wants before it runs it; null when <c>--full</c> is enough.</param>
internal sealed record UpstreamPath(string Path, string Since, string? When);
