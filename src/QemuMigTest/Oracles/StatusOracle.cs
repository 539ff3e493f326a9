using QemuMigTest.Binaries;
using QemuMigTest.Migration;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>The statuses of each migration came in a legal order on both sides, and its last is the outcome, in events and in query-migrate.</summary>
internal sealed class StatusOracle : IPairOracle
{
    public string Name => "status";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        foreach (var run in pair.Runs)
        {
            var source = CheckPath(run.Source, Events(run.Source, run.SourceEvents, EndOf(pair, run, run.Source)), StatusEdges.SourceMayGo, findings);
            var destination = CheckPath(run.Destination, Events(run.Destination, run.DestinationEvents, EndOf(pair, run, run.Destination)), StatusEdges.DestinationMayGo, findings, run.DestinationJoinedLate);
            if (run.Outcome == MigrationOutcome.FailedOver)
            {
                CheckEnd(pair.Holder, pair.Holder == run.Source ? source : destination, MigrationStatus.Completed, findings);
                continue;
            }

            // A refused migrate leaves no trace before 11.0; since then one that was parsed before it was refused ends as failed.
            var refused = source.LastOrDefault(MigrationStatus.None) == MigrationStatus.Failed ? MigrationStatus.Failed : MigrationStatus.None;
            CheckEnd(run.Source, source, run.Outcome switch
            {
                MigrationOutcome.Completed => MigrationStatus.Completed,
                MigrationOutcome.Failed => MigrationStatus.Failed,
                MigrationOutcome.Cancelled => MigrationStatus.Cancelled,
                MigrationOutcome.Refused => refused,
                _ => null,
            }, findings);
            if (run.Outcome == MigrationOutcome.Completed)
            {
                CheckEnd(run.Destination, destination, MigrationStatus.Completed, findings);
            }
        }

        if (pair.Runs is [.., var last])
        {
            var sides = last.Outcome is MigrationOutcome.Completed or MigrationOutcome.FailedOver ? new[] { last.Source, last.Destination } : [last.Source];
            findings.AddRange(await EachSide.FindAsync(sides.Where(side => !pair.Lost.Contains(side) && !side.Process.HasExecutedAnother), side => CheckQueryAsync(side, ct)));
        }

        return findings;
    }

    // Where the next migration of that side begins, whichever end it is of that one.
    private static int? EndOf(MigrationPair pair, MigrationRun run, MigrationSide side) =>
        pair.Runs.FirstOrDefault(next => next.Number > run.Number && (next.Source == side || next.Destination == side)) is { } next
            ? next.Source == side ? next.SourceEvents : next.DestinationEvents
            : null;

    private static List<QmpEvent> Events(MigrationSide side, int from, int? to) => side.Process.Qmp.Events.Snapshot().Take(to ?? int.MaxValue).Skip(from).ToList();

    private List<MigrationStatus> CheckPath(
        MigrationSide side, List<QmpEvent> events, Func<MigrationStatus, MigrationStatus, QemuVersion, bool> mayGo, List<OracleFinding> findings, bool fromTheMiddle = false)
    {
        var statuses = StatusPath.Of(events, path => FindWrong(side, path, mayGo, fromTheMiddle).Count == 0);
        findings.AddRange(FindWrong(side, statuses, mayGo, fromTheMiddle));
        return statuses;
    }

    private List<OracleFinding> FindWrong(MigrationSide side, List<MigrationStatus> statuses, Func<MigrationStatus, MigrationStatus, QemuVersion, bool> mayGo, bool fromTheMiddle)
    {
        var findings = new List<OracleFinding>();
        var from = fromTheMiddle ? statuses.FirstOrDefault(MigrationStatus.None) : MigrationStatus.None;
        foreach (var to in statuses.Skip(fromTheMiddle ? 1 : 0))
        {
            if (!StatusEdges.IsKnown(to))
            {
                findings.Add(new(Name, side.Name, $"status {to} is not known: say in {nameof(StatusEdges)} where it belongs; seen: {string.Join(" → ", statuses)}"));
            }
            else if (!mayGo(from, to, side.Binary.Version))
            {
                findings.Add(new(Name, side.Name, $"status {to} came after {from}, which QEMU {side.Binary.Version.Number} may not do; seen: {string.Join(" → ", statuses)}"));
            }

            from = to;
        }

        return findings;
    }

    private void CheckEnd(MigrationSide side, List<MigrationStatus> statuses, MigrationStatus? wanted, List<OracleFinding> findings)
    {
        if (wanted is { } last && statuses.LastOrDefault(MigrationStatus.None) != last)
        {
            findings.Add(new(Name, side.Name, $"the last status should be {last}; seen: {string.Join(" → ", statuses)}"));
        }
        else if (wanted is null)
        {
            findings.Add(new(Name, side.Name, $"the test left a migration under way; seen: {string.Join(" → ", statuses)}"));
        }
    }

    private async Task<IEnumerable<OracleFinding>> CheckQueryAsync(MigrationSide side, CancellationToken ct)
    {
        var said = (await side.QueryMigrateAsync(ct)).Status;
        var shown = side.Process.Qmp.Events.Snapshot().Select(MigrationSide.StatusOf).OfType<MigrationStatus>().LastOrDefault(MigrationStatus.None);
        return said == shown ? [] : [new(Name, side.Name, $"query-migrate says {said}, the last event said {shown}")];
    }
}
