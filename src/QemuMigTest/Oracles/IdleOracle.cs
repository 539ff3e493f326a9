using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>A QEMU whose guest is stopped, with no migration under way, leaves the processors alone: no thread of it goes round and round.</summary>
internal sealed class IdleOracle : IPairOracle
{
    // A thread that is in a loop wants a processor always, on a busy machine too.
    private const double Busy = 0.5;

    // Of a command's limit, 15 s: who finds it in one test finds it in all.
    private const int Patience = 5;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(20);
    private readonly Dictionary<MigrationSide, ThreadTimes> _since = [];

    public string Name => "idle";

    /// <summary>Begins to look, at both sides, while others check what takes longer.</summary>
    public void Begin(MigrationPair pair)
    {
        _since.Clear();
        foreach (var side in Living(pair))
        {
            if (Read(side) is { } times)
            {
                _since[side] = times;
            }
        }
    }

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        foreach (var side in Living(pair))
        {
            if (_since.GetValueOrDefault(side) is { } since && Read(side)?.BusySince(since, Busy) is { Count: 0 })
            {
                continue;
            }

            var busy = await SettleAsync(side, pair.Environment.Limits.Command / Patience, ct);
            if (busy.Count > 0 && (await side.QueryCapabilitiesAsync(ct)).GetValueOrDefault(MigrationCapability.AutoConverge.Name))
            {
                // The throttle's timer waits on a clock that stands still with the guest, and the main loop for what was left of it, which may be microseconds: docs/findings.md.
                var main = ThreadTimes.MainThreadOf(side.Process.Child.Id);
                busy = [.. busy.Where(thread => thread != main)];
            }

            findings.AddRange(busy.Select(thread => new OracleFinding(Name, side.Name, $"its thread {thread} is always busy, though its guest is stopped and no migration is under way")));
        }

        return findings;
    }

    private static IEnumerable<MigrationSide> Living(MigrationPair pair) => pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted);

    private static ThreadTimes? Read(MigrationSide side) => ThreadTimes.Read(side.Process.Child.Id);

    // What it was asked meanwhile made it work; and what a migration leaves to be cleaned up takes a moment.
    private static async Task<IReadOnlyList<string>> SettleAsync(MigrationSide side, TimeSpan limit, CancellationToken ct)
    {
        IReadOnlyList<string> busy = [];
        try
        {
            await Deadline.WithinAsync(limit, async token =>
            {
                do
                {
                    var before = Read(side);
                    await Task.Delay(Window, TimeProvider.System, token);
                    busy = before is null ? [] : Read(side)?.BusySince(before, Busy) ?? [];
                }
                while (busy.Count > 0);
            }, () => new WaitTimeoutException(side.Name, "a QEMU that has nothing to do", limit, string.Join(", ", busy)), ct);
        }
        catch (WaitTimeoutException)
        {
            // What is busy is the finding.
            return busy;
        }

        return busy;
    }
}
