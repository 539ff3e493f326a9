using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>The disks follow the guest: the QEMU in which it runs may write to them, and no other, for two that write would destroy them.</summary>
internal sealed class DiskOracle : IPairOracle
{
    public string Name => "disk";

    // In COLO both guests run, each on a disk of its own.
    public Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct) =>
        EachSide.FindAsync(pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted && !pair.Options.Capabilities.Contains(MigrationCapability.Colo)), side => CheckAsync(pair, side, ct));

    private async Task<IEnumerable<OracleFinding>> CheckAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        var holds = side == pair.Holder;
        // A guest that is stopped may have been stopped before its disk was activated (late-block-activate); but not where it has stayed.
        if (holds && !HasStayed(pair, side) && !(await side.QueryStatusAsync(ct)).Running || await SettleAsync(pair, side, holds, ct) is not { Count: > 0 } wrong)
        {
            return [];
        }

        var names = string.Join(", ", wrong.Select(Path.GetFileName));
        return [new(Name, side.Name, holds
            ? $"the guest is here, and its QEMU has {names} open for reading alone: block nodes are inactive"
            : $"the guest is not here, and this QEMU has {names} open for writing: block nodes are active")];
    }

    private static bool HasStayed(MigrationPair pair, MigrationSide side) => pair.Runs is [.., { Outcome: MigrationOutcome.Failed or MigrationOutcome.Cancelled } last] && last.Source == side;

    // They are given up, or taken back, beside the last status. What is left is wrong.
    private static async Task<IReadOnlyList<string>> SettleAsync(MigrationPair pair, MigrationSide side, bool holds, CancellationToken ct)
    {
        IReadOnlyList<string> wrong = [];
        try
        {
            await Poll.UntilAsync(side.Name, "its disks to follow the guest", _ =>
            {
                var disks = MigrationPair.DisksOf(side);
                wrong = disks.Count == 0 && holds ? ["no disk"] : [.. disks.Where(disk => disk.Value != holds).Select(disk => disk.Key)];
                return Task.FromResult(wrong.Count == 0 ? side : null);
            }, side.Process.LastSeen, pair.Environment.Limits.Command, ct);
        }
        catch (WaitTimeoutException)
        {
            // What is wrong is the finding.
        }

        return wrong;
    }
}
