using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Hmp;

/// <summary>What the human monitor says.</summary>
internal static class HumanText
{
    /// <summary>Types a line, and gives what it says; nothing where a command that tells nothing was executed.</summary>
    public static async Task<string> OfAsync(QemuProcess qemu, string line, CancellationToken ct) =>
        (await qemu.ExecuteAsync("human-monitor-command", new() { ["command-line"] = line }, ct)).GetString()!.Replace("\r", "", StringComparison.Ordinal);
}
