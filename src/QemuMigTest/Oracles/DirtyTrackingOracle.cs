using System.Globalization;
using System.Text.RegularExpressions;
using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>Where a guest runs, and no migration of it is under way, nobody tracks which pages it writes to: that is done for migrations alone, and costs the guest speed.</summary>
internal sealed partial class DirtyTrackingOracle : IPairOracle
{
    // GLOBAL_DIRTY_MIGRATION; the other bits are for calc-dirty-rate and for limits of vCPUs.
    private const uint ForMigration = 1;

    public string Name => "dirty tracking";

    public Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct) =>
        EachSide.FindAsync(pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted && !pair.MayKeep(side)), side => CheckAsync(pair, side, ct));

    private async Task<IEnumerable<OracleFinding>> CheckAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        // On a guest that is stopped it ends when that goes on.
        var mayBe = pair.Runs.Any(run => run.Source == side && run.Outcome == MigrationOutcome.UnderWay) || !(await side.QueryStatusAsync(ct)).Running;
        return !mayBe && await SettleAsync(pair, side, ct) is var mask and not 0
            ? [new(Name, side.Name, $"it is on (trace event {MigrationSide.DirtyTrackingEvent}, 0x{mask:x}), and no migration is under way")]
            : [];
    }

    /// <summary>The bits of the last event in QEMU's log; 0 when there is none.</summary>
    internal static uint LastOf(string log) =>
        Event().Match(log) is { Success: true } last ? uint.Parse(last.Groups["mask"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;

    /// <summary>What is tracked for a migration of a side by now; 0 for nothing.</summary>
    internal static async Task<uint> MaskAsync(MigrationPair pair, MigrationSide side, CancellationToken ct) => await AllAsync(pair, side, ct) & ForMigration;

    /// <summary>All that is tracked on a side by now, also for calc-dirty-rate and for limits of vCPUs; 0 for nothing.</summary>
    internal static async Task<uint> AllAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        var log = pair.TraceOf(side.Name);
        return File.Exists(log) ? LastOf(await File.ReadAllTextAsync(log, ct)) : 0;
    }

    // It ends a moment after the last status.
    private static async Task<uint> SettleAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        uint mask = 0;
        try
        {
            await Poll.UntilAsync(side.Name, "the end of dirty tracking", async token =>
            {
                mask = await MaskAsync(pair, side, token);
                return mask == 0 ? side : null;
            }, () => $"0x{mask:x}", pair.Environment.Limits.Command, ct);
        }
        catch (WaitTimeoutException)
        {
            // What is on is the finding.
            return mask;
        }

        return 0;
    }

    [GeneratedRegex(@"global_dirty_changed bitmask 0x(?<mask>[0-9a-f]+)", RegexOptions.RightToLeft)]
    private static partial Regex Event();
}
