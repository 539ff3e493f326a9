using System.Diagnostics;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;
using QemuMigTest.Migration.Channels;

namespace QemuMigTest.Oracles;

/// <summary>What the source says of a completed migration – times, bytes, pages – agrees with itself, with the clock, and with what was turned on.</summary>
internal sealed class AccountOracle : IPairOracle
{
    public string Name => "statistics";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        // A side's last migration is what its query-migrate is of. A source that went back to an earlier role tells of that.
        foreach (var run in pair.Runs.Where(run => run.Outcome == MigrationOutcome.Completed && IsAsked(pair, run)))
        {
            findings.AddRange(AccountRules.Check(await AccountOfAsync(pair, run, ct)).Select(text => new OracleFinding(Name, run.Source.Name, $"migration {run.Number}: {text}")));
        }

        foreach (var run in pair.Runs.Where(run => run.Outcome == MigrationOutcome.Completed && IsLast(pair, run, run.Destination) && IsAlive(run.Destination)))
        {
            findings.AddRange((await CheckBlocktimeAsync(run, ct)).Select(text => new OracleFinding(Name, run.Destination.Name, $"migration {run.Number}: {text}")));
        }

        return findings;
    }

    private static async Task<IReadOnlyList<string>> CheckBlocktimeAsync(MigrationRun run, CancellationToken ct)
    {
        var times = run.Destination.Process.Qmp.Events.Snapshot().Skip(run.DestinationEvents).Where(e => MigrationSide.StatusOf(e) is not null).ToList();
        if (run.Result?.Raw.GetProperty("ram").GetProperty("postcopy-requests").GetInt64() is not { } requests
            || !times.Exists(e => MigrationSide.StatusOf(e) == MigrationStatus.PostcopyActive)
            || !(await run.Destination.QueryCapabilitiesAsync(ct)).GetValueOrDefault(MigrationCapability.PostcopyBlocktime.Name))
        {
            return [];
        }

        var took = (times[^1].Timestamp - times[0].Timestamp).TotalMilliseconds;
        return [.. BlocktimeRules.Check((await run.Destination.QueryMigrateAsync(ct)).Raw, requests, (took * (1 + AccountRules.ClockShare)) + ClockSlack())];
    }

    // Of several threads that want a processor each waits for its turn.
    private static double ClockSlack() => AccountRules.ClockSlack * ProcessorLoad.Read();

    private static bool IsAlive(MigrationSide side) => !side.Process.Exited.IsCompleted && !side.Process.HasExecutedAnother;

    private static bool IsLast(MigrationPair pair, MigrationRun run, MigrationSide side) => pair.Runs.Last(other => other.Source == side || other.Destination == side) == run;

    private static bool IsAsked(MigrationPair pair, MigrationRun run) =>
        IsAlive(run.Source) && run.Channel is not RdmaChannel && !pair.Options.Capabilities.Contains(MigrationCapability.Colo) && IsLast(pair, run, run.Source);

    private static async Task<MigrationAccount> AccountOfAsync(MigrationPair pair, MigrationRun run, CancellationToken ct)
    {
        var events = run.Source.Process.Qmp.Events.Snapshot().Skip(run.SourceEvents).ToList();
        var statuses = events.Select(e => (Status: MigrationSide.StatusOf(e), e.Timestamp)).Where(e => e.Status is not null).Select(e => (e.Status!.Value, e.Timestamp)).ToList();
        var on = (await run.Source.QueryCapabilitiesAsync(ct)).Where(capability => capability.Value).Select(capability => capability.Key).ToHashSet();
        var stopped = events.FirstOrDefault(e => e.Name == "STOP")
            ?? events.FirstOrDefault(e => MigrationSide.StatusOf(e) is { } status && (status == MigrationStatus.PreSwitchover || status == MigrationStatus.Device))
            ?? events.LastOrDefault(e => e.Name == "MIGRATION_PASS");
        var arrival = run.Destination.Process.Qmp.Events.Snapshot().Skip(run.DestinationEvents).ToList();
        return new MigrationAccount
        {
            // Asked anew: to 9.x the last numbers come after the event that says completed.
            Info = (await run.Source.QueryMigrateAsync(ct)).Raw,
            Version = run.Source.Binary.Version,
            Capabilities = on,
            Parameters = await run.Source.ExecuteAsync("query-migrate-parameters", null, ct),
            Statuses = statuses,
            IsLater = pair.Runs.Any(other => other.Source == run.Source && other.Number < run.Number),
            Stopped = stopped?.Timestamp,
            StoodStill = events.TrueForAll(e => e.Name is not ("STOP" or "RESUME")),
            EarliestStop = (events.TakeWhile(e => e != stopped).LastOrDefault(e => e.Name == "MIGRATION_PASS") ?? events.FirstOrDefault(e => MigrationSide.StatusOf(e) == MigrationStatus.Setup))?.Timestamp,
            Resumed = arrival.FirstOrDefault(e => e.Name == "RESUME")?.Timestamp,
            Arrived = arrival.FirstOrDefault(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed)?.Timestamp,
            ClockSlack = ClockSlack(),
            ClockZero = TimeProvider.System.GetUtcNow() - Stopwatch.GetElapsedTime(0),
            GuestRam = on.Contains(MigrationCapability.IgnoreShared.Name) || pair.Options.Mode.DestinationJoinsLater ? 0 : MigrationPair.GuestMemoryBytes,
            UnsentBytes = pair.Options.UnsentBytes,
            FileBytes = run.Channel is FileChannel file && !on.Contains(MigrationCapability.MappedRam.Name) ? file.StreamBytes : null,
        };
    }
}
