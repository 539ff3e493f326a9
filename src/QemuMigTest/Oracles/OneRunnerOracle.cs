using QemuMigTest.Migration;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>At no time did both sides run: the destination resumed after the source had stopped, and the source has not resumed since.</summary>
/// <remarks>The events' times are those that QEMU gave them; both QEMUs have the same clock.</remarks>
internal sealed class OneRunnerOracle : IPairOracle
{
    public string Name => "one side runs";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        // In COLO both run, so that either may be lost; the failover kills one.
        foreach (var run in pair.Runs.Where(run => run.Outcome != MigrationOutcome.FailedOver))
        {
            CheckEvents(pair, run, findings);
        }

        foreach (var side in pair.QemuSides.Where(side => side != pair.Holder && !side.Process.Exited.IsCompleted))
        {
            var state = await SettleAsync(side, ct);
            var wanted = side == pair.Source ? "postmigrate" : "inmigrate";
            if (state.Running || state.Name != wanted)
            {
                findings.Add(new(Name, side.Name, $"its run state should be {wanted}; query-status says {state}"));
            }
        }

        return findings;
    }

    // A source says completed a moment before its run state does.
    private static async Task<RunState> SettleAsync(MigrationSide side, CancellationToken ct)
    {
        RunState? state = null;
        try
        {
            return await Poll.UntilAsync(side.Name, "the end of finish-migrate", async token => (state = await side.QueryStatusAsync(token)) is { Name: "finish-migrate", Running: false } ? null : state,
                () => $"{state}", side.Process.Options.Limits.Command, ct);
        }
        catch (WaitTimeoutException) when (state is not null)
        {
            // What it stays in is the finding.
            return state;
        }
    }

    private void CheckEvents(MigrationPair pair, MigrationRun run, List<OracleFinding> findings)
    {
        var source = run.Source.Process.Qmp.Events.Snapshot();
        var resumed = run.Destination.Process.Qmp.Events.Snapshot().Skip(run.DestinationEvents).FirstOrDefault(e => e.Name == "RESUME");
        if (run.Outcome != MigrationOutcome.Completed)
        {
            if (resumed is not null)
            {
                findings.Add(new(Name, run.Destination.Name, $"it resumed at {resumed.Timestamp:HH:mm:ss.ffffff}, but the migration ended as {run.Outcome}"));
            }

            return;
        }

        var stopped = source.LastOrDefault(e => e.Name == "STOP");
        if (stopped is null || resumed is null)
        {
            findings.Add(new(Name, run.Source.Name, $"a completed migration has {Describe("STOP", stopped)} on the source and {Describe("RESUME", resumed)} on the destination; both were expected"));
        }
        else if (resumed.Timestamp < stopped.Timestamp)
        {
            findings.Add(new(Name, run.Destination.Name, $"it resumed at {resumed.Timestamp:HH:mm:ss.ffffff}, before the source stopped at {stopped.Timestamp:HH:mm:ss.ffffff}"));
        }

        if (source.LastOrDefault(e => e.Name == "RESUME") is { } again && stopped is not null && again.Position > stopped.Position)
        {
            findings.Add(new(Name, run.Source.Name, $"it resumed at {again.Timestamp:HH:mm:ss.ffffff}, after the switchover"));
        }
    }

    private static string Describe(string name, QmpEvent? seen) => seen is null ? $"no {name}" : $"{name} at {seen.Timestamp:HH:mm:ss.ffffff}";
}
