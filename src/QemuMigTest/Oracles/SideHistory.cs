using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>What is known of one QEMU from its start on.</summary>
/// <param name="Events">All that it told.</param>
/// <param name="Commands">All that it was told and did not refuse.</param>
/// <param name="StartsRunning">Its vCPUs ran from its start on: it was neither started with -S nor as a destination.</param>
/// <param name="Migrations">Those that it took part in, in order.</param>
internal sealed record SideHistory(IReadOnlyList<QmpEvent> Events, IReadOnlyList<ExecutedCommand> Commands, bool StartsRunning, IReadOnlyList<MigrationSpan> Migrations)
{
    /// <summary>Whether a command was being executed when an event came.</summary>
    public bool IsCommanded(string command, int position) => Commands.Any(executed => executed.Name == command && executed.From <= position && position < executed.To);

    /// <summary>The migration under way at a position, or null.</summary>
    public MigrationSpan? At(int position) => Migrations.LastOrDefault(span => span.From <= position);
}
