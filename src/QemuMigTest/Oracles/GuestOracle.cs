using QemuMigTest.Guests;
using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>The guest lives where it should: it moves while it runs, is still when it is stopped, every byte of its region is what its program
/// makes of it, it is not behind where it was at the switchover, and the other side's copy stands still.</summary>
/// <param name="idle">Is told when the guest has been stopped.</param>
internal sealed class GuestOracle(IdleOracle idle) : IPairOracle
{
    private const int CounterBytes = 256;
    private Task<IReadOnlyList<OracleFinding>>? _moves;

    public string Name => "guest";

    /// <summary>Begins to wait for a guest that runs to move, while others check what does not need it to stand still.</summary>
    public void Begin(MigrationPair pair, CancellationToken ct) =>
        _moves = pair.StateProgram is null && !pair.GuestSuspended && !IsStoppedInSource(pair) ? CheckMovesAsync(pair, ct) : null;

    /// <summary>Waits no longer for what was begun and not asked for: the time for all is over.</summary>
    public async Task EndAsync()
    {
        if (Interlocked.Exchange(ref _moves, null) is { } moves)
        {
            await ((Task)moves).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        if (pair.StateProgram is not null)
        {
            // Another program, with an oracle of its own.
            return findings;
        }

        if (pair.GuestSuspended)
        {
            findings.Add(new(Name, pair.Holder.Name, "the test left the guest suspended: wake it up, so that it can be checked"));
            return findings;
        }

        if (IsStoppedInSource(pair))
        {
            await pair.GoOnAsync(ct);
        }

        var left = pair.Holder == pair.Source || pair.Lost.Contains(pair.Source) || pair.Source.Process.HasExecutedAnother ? null : pair.Source;
        var leftBefore = left is null ? null : await left.ReadGuestStateAsync(ct);
        findings.AddRange(await (Interlocked.Exchange(ref _moves, null) ?? CheckMovesAsync(pair, ct)));
        // A guest that is stopped already is not heard to stop, and what was found above says more than that.
        if (findings.Count == 0 || (await pair.Holder.QueryStatusAsync(ct)).Running)
        {
            await pair.Holder.StopAsync(ct);
        }

        idle.Begin(pair);
        await CheckMemory(pair, findings, ct);
        if (leftBefore is { Phase: GuestPhase.Running } && !pair.GuestRestarted && await pair.Holder.ReadGuestStateAsync(ct) is { Phase: GuestPhase.Running } now
            && (now.Pass, now.Page).CompareTo((leftBefore.Pass, leftBefore.Page)) < 0)
        {
            findings.Add(new(Name, pair.Holder.Name, $"its guest is at {now}, behind where it left the source: {leftBefore}"));
        }

        if (left is not null && await left.ReadGuestStateAsync(ct) is var leftAfter && leftAfter != leftBefore)
        {
            findings.Add(new(Name, left.Name, $"its guest moved after the switchover, from {leftBefore} to {leftAfter}"));
        }

        foreach (var side in pair.Sides)
        {
            CheckSerial(side, findings);
        }

        return findings;
    }

    private static bool IsStoppedInSource(MigrationPair pair) => pair.Holder == pair.Source && pair.SourceStopped;

    private async Task<IReadOnlyList<OracleFinding>> CheckMovesAsync(MigrationPair pair, CancellationToken ct)
    {
        var holder = pair.Holder;
        var serial = holder.Serial.Position;
        var before = Counters(pair);
        var limit = pair.Environment.Limits.Step;
        try
        {
            await Deadline.WithinAsync(limit, async token =>
            {
                // Markers that were on their way already prove nothing: the guest wrote them before its counters were read.
                do
                {
                    serial = await holder.Serial.WaitForAsync('B', serial, token);
                }
                while (Counters(pair).AsSpan().SequenceEqual(before));
            }, () => new WaitTimeoutException(holder.Name, $"the counters of the page at 0x{pair.Program.Settings.RegionStart:x} to change", limit, holder.Serial.Tail()), ct);
            return [];
        }
        catch (WaitTimeoutException e)
        {
            return [new(Name, holder.Name, e.Message)];
        }
    }

    private async Task CheckMemory(MigrationPair pair, List<OracleFinding> findings, CancellationToken ct)
    {
        var holder = pair.Holder;
        var settings = pair.Program.Settings;
        var before = await holder.ReadGuestStateAsync(ct);
        if (before.Phase != GuestPhase.Running)
        {
            findings.Add(new(Name, holder.Name, $"its guest is {before}, and must be in its loop, by which its memory is known"));
            return;
        }

        var counters = Counters(pair);
        var checker = pair.MemoryModel.StartCheck(before);
        await holder.Memory.ReadAsync(settings.RegionStart, settings.RegionSize, checker.Add, ct);
        var check = checker.End();
        if (!check.IsIntact)
        {
            findings.Add(new(Name, holder.Name, check.Describe()));
        }

        var after = await holder.ReadGuestStateAsync(ct);
        if (after != before || !Counters(pair).AsSpan().SequenceEqual(counters))
        {
            findings.Add(new(Name, holder.Name, $"it is stopped, and its guest moved from {before} to {after}"));
        }
    }

    private void CheckSerial(MigrationSide side, List<OracleFinding> findings)
    {
        var text = side.Serial.Text;
        var strange = text.AsSpan().IndexOfAnyExcept('A', 'B');
        if (strange >= 0)
        {
            findings.Add(new(Name, side.Name, $"the guest wrote 0x{(int)text[strange]:x2} as character {strange} of its serial line; it writes only A and B"));
        }
    }

    private static byte[] Counters(MigrationPair pair) => pair.Holder.Process.QTest!.Read(pair.Program.Settings.RegionStart, CounterBytes);
}
