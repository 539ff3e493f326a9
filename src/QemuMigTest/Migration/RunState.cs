using QemuMigTest.Binaries;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>The run state of a VM as query-status gives it.</summary>
/// <param name="Name">QAPI RunState's name, such as <c>postmigrate</c>.</param>
/// <param name="Running">Whether its vCPUs run.</param>
public sealed record RunState(string Name, bool Running)
{
    /// <summary>Asks a QEMU (query-status).</summary>
    /// <exception cref="Qmp.QmpException">It does not answer.</exception>
    public static async Task<RunState> QueryAsync(QemuProcess process, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(process);
        var status = await process.ExecuteAsync("query-status", null, ct);
        return new RunState(status.GetProperty("status").GetString()!, status.GetProperty("running").GetBoolean());
    }

    /// <summary>Whether <c>cont</c> is refused in it until the machine was reset (system_reset).</summary>
    public bool NeedsReset => Name is "shutdown" or "internal-error";

    /// <summary>Whether a source may be in postmigrate, not in the run state in which its stopped guest was, after a migration that ended in its switchover: docs/findings.md.</summary>
    public static bool IsLostInSwitchover(QemuVersion version) => !version.IsAtLeast(8, 1);

    /// <inheritdoc/>
    public override string ToString() => Running ? $"{Name} (running)" : Name;
}
