using QemuMigTest.Guests;
using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>The guest has written each of its markers once, on one side or the other: at no time did two of it run, none started anew, and no marker was lost.</summary>
/// <remarks>It relies on the holder's guest being stopped, as <see cref="GuestOracle"/> leaves it.</remarks>
internal sealed class TicksOracle : IPairOracle
{
    public string Name => "ticks";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        // The other guest program counts otherwise. In COLO both run; a guest that wakes up from S3, or is reset, starts anew.
        if (pair.StateProgram is not null || pair.Options.GuestSuspends || pair.GuestRestarted || pair.Options.Capabilities.Contains(MigrationCapability.Colo)
            || await pair.Holder.ReadGuestStateAsync(ct) is not { Phase: GuestPhase.Running } state)
        {
            return [];
        }

        var settings = pair.Program.Settings;
        var most = state.Pass / settings.PassesPerMarker;
        // Between the end of a pass and the next's first page the registers do not tell whether the marker is out.
        var least = state.Pass % settings.PassesPerMarker == 0 && state.Page == settings.RegionStart && most > 0 ? most - 1 : most;
        var seen = Count(pair, 'B');
        if (seen < least)
        {
            // What the guest wrote is in a socket, and read by another thread.
            try
            {
                await Poll.UntilAsync(pair.Holder.Name, "markers that the guest has written", _ => Task.FromResult((seen = Count(pair, 'B')) >= least ? pair : null),
                    pair.Holder.Serial.Tail, pair.Environment.Limits.Command, ct);
            }
            catch (WaitTimeoutException)
            {
                // Too few: told below.
                seen = Count(pair, 'B');
            }
        }

        var findings = new List<OracleFinding>();
        if (seen < least || seen > most)
        {
            findings.Add(new(Name, pair.Holder.Name,
                $"its guest is at {state} and must have written {most} markers B in all; there are {seen} ({Shares(pair, 'B')}): {(seen > most ? "it ran on two sides, or a pass again" : "some were lost")}"));
        }

        if (Count(pair, 'A') is var starts and not 1)
        {
            findings.Add(new(Name, pair.Holder.Name, $"its guest must have started once; there are {starts} markers A ({Shares(pair, 'A')})"));
        }

        return findings;
    }

    private static long Count(MigrationPair pair, char marker) => pair.Sides.Sum(side => Count(side, marker));

    private static long Count(MigrationSide side, char marker) => side.Serial.Text.AsSpan().Count(marker);

    private static string Shares(MigrationPair pair, char marker) => string.Join(", ", pair.Sides.Select(side => $"{side.Name} {Count(side, marker)}"));
}
