using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>The disk follows the guest: the QEMU in which it runs may write to it, and no other, for two that write would destroy it.</summary>
internal sealed class DiskOracle : IPairOracle
{
    public string Name => "disk";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        // In COLO both guests run, each on a disk of its own.
        if (pair.Options.Capabilities.Contains(MigrationCapability.Colo))
        {
            return findings;
        }

        foreach (var side in pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted))
        {
            var holds = side == pair.Holder;
            // A guest that is stopped may have been stopped before its disk was activated (late-block-activate).
            if ((!holds || (await side.QueryStatusAsync(ct)).Running) && !await SettleAsync(pair, side, holds, ct))
            {
                findings.Add(new(Name, side.Name, holds
                    ? "the guest runs here, and its QEMU has the disk open for reading alone: its block nodes are inactive"
                    : "the guest is not here, and this QEMU has its disk open for writing: its block nodes are active"));
            }
        }

        return findings;
    }

    // They are given up, or taken back, beside the last status.
    private static async Task<bool> SettleAsync(MigrationPair pair, MigrationSide side, bool holds, CancellationToken ct)
    {
        try
        {
            await Poll.UntilAsync(side.Name, "its disk to follow the guest", _ => Task.FromResult(pair.HoldsDisk(side) == holds ? side : null), side.Process.LastSeen,
                pair.Environment.Limits.Command, ct);
            return true;
        }
        catch (WaitTimeoutException)
        {
            // That it does not is the finding.
            return false;
        }
    }
}
