using QemuMigTest.Streams;

namespace QemuMigTest.Cli.Streams;

/// <summary>What is to be shown of a stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Selected">The devices whose fields are shown too.</param>
internal sealed record StreamReport(MigrationStream Stream, IReadOnlySet<DeviceState> Selected);
