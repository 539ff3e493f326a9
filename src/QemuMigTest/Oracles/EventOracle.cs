using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>Every event has a reason, none is missing, and query-status says what the events did: which side runs, and in which run state.</summary>
internal sealed class EventOracle : IPairOracle
{
    public string Name => "events";

    public Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct) =>
        EachSide.FindAsync(pair.Sides.Distinct(), side => CheckAsync(pair, side, ct));

    private async Task<IEnumerable<OracleFinding>> CheckAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        var walk = await SettleAsync(pair, side, ct);
        var history = HistoryOf(pair, side);
        List<string> wrong =
        [
            .. walk.Wrong,
            .. walk.Missing,
            .. history.Events.Select(e => EventRules.Complaint(e, history, pair.Options)).OfType<string>().Distinct(),
            .. history.Migrations.SelectMany(span => Passes(pair, history, span)),
        ];
        if (!side.Process.Exited.IsCompleted && !side.Process.HasExecutedAnother && !pair.Options.GuestSuspends && await CheckQueryAsync(pair, side, walk, ct) is { } text)
        {
            wrong.Add(text);
        }

        return wrong.Select(text => new OracleFinding(Name, side.Name, text));
    }

    private static IEnumerable<string> Passes(MigrationPair pair, SideHistory history, MigrationSpan span)
    {
        var end = history.Migrations.FirstOrDefault(next => next.Number > span.Number)?.From ?? history.Events.Count;
        return PassOrder.Check([.. history.Events.Skip(span.From).Take(end - span.From)], span, pair.Runs.First(run => run.Number == span.Number).Result);
    }

    // A side tells of its RESUME when it has said completed or cancelled, as often as not.
    private static async Task<RunStateWalk> SettleAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        var walk = RunStateWalk.Of(HistoryOf(pair, side));
        if (walk.Missing.Count == 0 || side.Process.Exited.IsCompleted)
        {
            return walk;
        }

        try
        {
            return await Poll.UntilAsync(side.Name, "events that must come", _ => Task.FromResult(RunStateWalk.Of(HistoryOf(pair, side)) is { Missing.Count: 0 } settled ? settled : null),
                side.Process.LastSeen, pair.Environment.Limits.Command, ct);
        }
        catch (WaitTimeoutException)
        {
            // What is missing is the finding.
            return walk;
        }
    }

    private static async Task<string?> CheckQueryAsync(MigrationPair pair, MigrationSide side, RunStateWalk walk, CancellationToken ct)
    {
        var state = await side.QueryStatusAsync(ct);
        var lost = state is { Name: "postmigrate", Running: false } && walk.RunState == "paused" && RunState.IsLostInSwitchover(side.Binary.Version)
            && pair.Runs.Any(run => run.Source == side && run.Outcome is MigrationOutcome.Cancelled or MigrationOutcome.Failed);
        return state.Running != walk.Running || walk.RunState is { } wanted && wanted != state.Name && !lost
            ? $"query-status says {state}; after its events it must be {walk.RunState ?? "in some run state"}, vCPUs {(walk.Running ? "running" : "stopped")}"
            : null;
    }

    private static SideHistory HistoryOf(MigrationPair pair, MigrationSide side)
    {
        var spans = pair.Runs.Where(run => (run.Source == side || run.Destination == side) && run.Outcome != MigrationOutcome.Refused).Select(run => SpanOf(pair, run, side)).ToList();
        var arguments = side.Process.Options.CommandLine.Arguments;
        return new(side.Process.Qmp.Events.Snapshot(), side.Process.Commands, !arguments.Contains("-S") && !arguments.Contains("-incoming"), spans);
    }

    // A destination that is told stop or cont before the guest has come does, when it comes, as it was told last, -S or not.
    private static bool StartsByItself(MigrationRun run)
    {
        var process = run.Destination.Process;
        var arrived = process.Qmp.Events.Skip(run.DestinationEvents).FirstOrDefault(e => e.Name == "RESUME" || MigrationSide.StatusOf(e) == MigrationStatus.Completed)?.Position ?? int.MaxValue;
        return process.Commands.LastOrDefault(command => command.Name is "stop" or "cont" && command.To <= arrived)?.Name switch
        {
            { } told => told == "cont",
            null => !process.Options.CommandLine.Arguments.Contains("-S"),
        };
    }

    private static MigrationSpan SpanOf(MigrationPair pair, MigrationRun run, MigrationSide side)
    {
        var free = pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Any(capability => capability == MigrationCapability.Colo || capability == MigrationCapability.BackgroundSnapshot);
        var isSource = run.Source == side;
        var switched = !isSource && StartsByItself(run) && RunStateWalk.Of(HistoryOf(pair, run.Source)).WasStoppedBy(run.Number);
        return new(run.Number, isSource ? run.SourceEvents : run.DestinationEvents, isSource, run.Outcome, free, switched)
        {
            JoinedLate = run.DestinationJoinedLate && !isSource,
            StopsFirst = pair.Options.Mode != MigrationMode.Normal,
        };
    }
}
