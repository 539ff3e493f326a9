using System.Diagnostics;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Applies every oracle to a pair, ends it, and sees that nothing is left of it.</summary>
public sealed class PairVerifier
{
    private readonly IdleOracle _idle = new();
    private readonly GuestOracle _guest;
    private readonly IReadOnlyList<IPairOracle> _oracles;
    private readonly Dictionary<string, TimeSpan> _times = [];

    /// <summary>How long each oracle has taken, by its name: all pairs and checks together, waits included; without what it planted when a migration began.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Times => _times;

    /// <summary>Makes one, for any number of pairs, one after the other.</summary>
    public PairVerifier()
    {
        _guest = new(_idle);
        _oracles =
        [
            new StatusOracle(),
            new OneRunnerOracle(),
            new EventOracle(),
            new DiskOracle(),
            new AccountOracle(),
            new SettingsOracle(),
            new DirtyTrackingOracle(),
            _guest,
            new MemoryOracle(),
            new StateGuestOracle(),
            new MachineOracle(),
            new TicksOracle(),
            new ResidueOracle(),
            _idle,
        ];
    }

    /// <summary>Checks a pair in the middle of a test: after a migration, before the next. The guest is stopped when this returns.</summary>
    /// <exception cref="OracleException">Something does not hold; all findings are in it.</exception>
    public async Task VerifyAsync(MigrationPair pair, CancellationToken ct)
    {
        var (findings, broken) = await FindAsync(pair, ct);
        if (findings.Count > 0)
        {
            throw new OracleException(findings, broken);
        }
    }

    /// <summary>Checks a pair whose test has passed, and quits its QEMUs.</summary>
    /// <exception cref="OracleException">Something does not hold; all findings are in it.</exception>
    public async Task VerifyAndEndAsync(MigrationPair pair, CancellationToken ct)
    {
        var (findings, broken) = await FindAsync(pair, ct);
        var leaks = LeakOracle.Watch(pair);
        foreach (var side in pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted))
        {
            var (status, killed) = await side.Process.QuitAsync(ct);
            if (killed || !status.IsSuccess)
            {
                findings.Add(new("processes", side.Name, killed
                    ? "QEMU did not quit when it was asked to, and was killed"
                    : $"QEMU ended with {status} when it was asked to quit; its stderr: {side.Process.Stderr}"));
            }
        }

        findings.AddRange(leaks.FindLeft());
        if (findings.Count > 0)
        {
            throw new OracleException(findings, broken);
        }
    }

    private async Task<(List<OracleFinding> Findings, Exception? Broken)> FindAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        Exception? broken = null;
        var ended = await EndedAsync(pair, "before the test did");
        if (ended.Count > 0)
        {
            return (ended, null);
        }

        _guest.Begin(pair, ct);
        try
        {
            foreach (var oracle in _oracles)
            {
                var began = Stopwatch.GetTimestamp();
                try
                {
                    findings.AddRange(await oracle.CheckAsync(pair, ct));
                }
                catch (Exception e) when (ct.IsCancellationRequested && findings.Count > 0)
                {
                    findings.Add(new(oracle.Name, "pair", $"the time for all oracles ended in this one: {e.Message}"));
                    return (findings, e);
                }
                catch (Exception e) when (!ct.IsCancellationRequested)
                {
                    // What the others found says why, as often as not.
                    findings.Add(new(oracle.Name, "pair", $"it could not be checked: {e.Message}"));
                    broken ??= e;
                }

                _times[oracle.Name] = _times.GetValueOrDefault(oracle.Name) + Stopwatch.GetElapsedTime(began);
            }
        }
        finally
        {
            await _guest.EndAsync();
        }

        // First, for it explains what could not be checked.
        findings.InsertRange(0, await EndedAsync(pair, "while the oracles looked at it"));
        return (findings, broken);
    }

    private static async Task<List<OracleFinding>> EndedAsync(MigrationPair pair, string when)
    {
        var findings = new List<OracleFinding>();
        foreach (var side in pair.QemuSides.Where(side => side.Process.Exited.IsCompleted && !ExitIsExpected(pair, side)))
        {
            findings.Add(new("processes", side.Name, $"QEMU ended with {await side.Process.Exited} {when}; its stderr: {side.Process.Stderr}"));
        }

        return findings;
    }

    private static bool ExitIsExpected(MigrationPair pair, MigrationSide side) =>
        pair.Lost.Contains(side) || pair.Runs.Any(run => run.Destination == side && run.Outcome is MigrationOutcome.Failed or MigrationOutcome.Cancelled && run.DestinationEnd.ExitCode is not null);
}
