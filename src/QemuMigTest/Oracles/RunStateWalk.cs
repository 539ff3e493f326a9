using QemuMigTest.Migration;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;
using S = QemuMigTest.Migration.MigrationStatus;

namespace QemuMigTest.Oracles;

/// <summary>Follows a QEMU's STOP and RESUME from its start on: each has a reason, none is missing, and none comes at a wrong moment.</summary>
internal sealed class RunStateWalk
{
    // By these the source has stopped. Not postcopy-active: to 9.2, which shows no device, it is said first.
    private static readonly S[] AfterStop = [S.PreSwitchover, S.Device, S.Completed, S.PostcopyDevice, S.Colo, S.Cancelled];
    private readonly SideHistory _side;
    private readonly List<string> _wrong = [];
    private readonly Dictionary<int, int> _stops = [];
    private readonly Dictionary<int, int> _resumes = [];

    private RunStateWalk(SideHistory side)
    {
        _side = side;
        Running = side.StartsRunning;
        foreach (var e in side.Events)
        {
            switch (e.Name)
            {
                case "STOP":
                    Stop(e);
                    break;
                case "RESUME":
                    Resume(e);
                    break;
                // A machine that is reset while it is stopped is in prelaunch, most times.
                case "RESET" when !Running:
                    RunState = null;
                    break;
                case "MIGRATION":
                    Status(e);
                    break;
            }
        }

        foreach (var span in side.Migrations.Where(span => !span.RunsFreely))
        {
            CheckCount(span);
        }
    }

    /// <summary>What is wrong with what came.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    /// <summary>What has not come, and must.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>Whether the vCPUs run after the last event.</summary>
    public bool Running { get; private set; }

    /// <summary>What query-status must say after the last event, or null where that is not told by events.</summary>
    public string? RunState { get; private set; }

    /// <summary>Walks through all that a side has told.</summary>
    public static RunStateWalk Of(SideHistory side) => new(side);

    /// <summary>Whether the source of a migration was stopped by it: its guest ran until then.</summary>
    public bool WasStoppedBy(int migration) => _stops.GetValueOrDefault(migration) > 0;

    private void Stop(QmpEvent e)
    {
        if (!Running)
        {
            _wrong.Add($"it stopped at {Time(e)} and had not run");
        }

        Running = false;
        RunState = "paused";
        if (_side.IsCommanded("stop", e.Position))
        {
            return;
        }

        if (_side.IsCommanded(ExecutedCommand.ByDevice(e.Name), e.Position))
        {
            RunState = null;
            return;
        }

        switch (_side.At(e.Position))
        {
            case { RunsFreely: true }:
            // A migration that the test drives by itself.
            case null when _side.Commands.Any(command => command.Name == "migrate" && command.From <= e.Position):
                RunState = null;
                break;
            case { IsSource: true } span:
                Note(_stops, span, "STOP", e);
                RunState = null;
                if (!SawBefore(span, e, S.Setup) || AfterStop.Any(status => SawBefore(span, e, status)))
                {
                    _wrong.Add($"migration {span.Number} stopped it at {Time(e)}, after {Last(span, e)}: STOP belongs between setup and {S.PreSwitchover} or {S.Device}");
                }

                else if (!span.StopsFirst && !SawBefore(span, e, S.Active))
                {
                    _wrong.Add($"migration {span.Number} stopped it at {Time(e)}, after {Last(span, e)}: but for the modes of CPR STOP belongs behind {S.Active}");
                }

                else if (span.StopsFirst && SawBefore(span, e, S.Active))
                {
                    _wrong.Add($"migration {span.Number} stopped it at {Time(e)}, after {Last(span, e)}: in the modes of CPR STOP belongs before {S.Active}");
                }

                break;
            default:
                _wrong.Add($"it stopped at {Time(e)}, and neither stop nor a migration away from it was the cause");
                break;
        }
    }

    private void Resume(QmpEvent e)
    {
        if (Running && e.Position > 0)
        {
            _wrong.Add($"it resumed at {Time(e)} and ran already");
        }

        Running = true;
        RunState = "running";
        // The first event of all may still be that of its start.
        if (_side.IsCommanded("cont", e.Position) || e.Position == 0 && _side.StartsRunning)
        {
            return;
        }

        switch (_side.At(e.Position))
        {
            case { RunsFreely: true }:
            case null when _side.Commands.Any(command => command.Name == "migrate" && command.From <= e.Position):
                break;
            case { IsSource: false } span when span.Switched && span.Outcome == MigrationOutcome.Completed:
                Note(_resumes, span, "RESUME", e);
                if (!span.JoinedLate && !SawBefore(span, e, S.Active))
                {
                    _wrong.Add($"migration {span.Number} let it run at {Time(e)}, before status {S.Active}");
                }

                break;
            case { IsSource: true } span when span.Outcome is MigrationOutcome.Failed or MigrationOutcome.Cancelled && WasStoppedBy(span.Number):
                Note(_resumes, span, "RESUME", e);
                break;
            default:
                _wrong.Add($"it resumed at {Time(e)}, and neither cont nor a migration was the cause");
                break;
        }
    }

    private void Status(QmpEvent e)
    {
        if (_side.At(e.Position) is not { RunsFreely: false } span || MigrationSide.StatusOf(e) is not { } status)
        {
            return;
        }

        if (!span.IsSource && status == S.Active)
        {
            RunState = null;
        }
        // Without a status failing, to 10.2, a migration says failed as soon as it knows of it.
        else if (span.IsSource && (status == S.Cancelled || status == S.Failed && SawBefore(span, e, S.Failing)) && WasStoppedBy(span.Number) && _resumes.GetValueOrDefault(span.Number) == 0)
        {
            _wrong.Add($"migration {span.Number} said {status} at {Time(e)}, before the guest that it had stopped ran here again");
        }
        else if (status == S.Completed && !Running)
        {
            // In postcopy it is another thread that says completed.
            if (span is { IsSource: false, Switched: true } && !SawBefore(span, e, S.PostcopyActive))
            {
                _wrong.Add($"migration {span.Number} said {S.Completed} at {Time(e)}, before the guest ran here");
            }

            RunState = span.IsSource ? "postmigrate" : "paused";
        }
    }

    private void CheckCount(MigrationSpan span)
    {
        if (span is { IsSource: true, Outcome: MigrationOutcome.Failed or MigrationOutcome.Cancelled } && WasStoppedBy(span.Number) && _resumes.GetValueOrDefault(span.Number) == 0)
        {
            Missing.Add($"migration {span.Number} stopped it and ended as {span.Outcome}; it must run again, and no RESUME came");
        }

        if (span is { IsSource: false, Outcome: MigrationOutcome.Completed, Switched: true } && _resumes.GetValueOrDefault(span.Number) == 0)
        {
            Missing.Add($"the guest ran until migration {span.Number} stopped it on the source; it must run here, and no RESUME came");
        }
    }

    private void Note(Dictionary<int, int> counts, MigrationSpan span, string name, QmpEvent e)
    {
        counts[span.Number] = counts.GetValueOrDefault(span.Number) + 1;
        if (counts[span.Number] > 1)
        {
            _wrong.Add($"{name} came once more at {Time(e)}: migration {span.Number} has one of it");
        }
    }

    private IEnumerable<S> Statuses(MigrationSpan span, QmpEvent e) =>
        _side.Events.Skip(span.From).TakeWhile(other => other.Position < e.Position).Select(MigrationSide.StatusOf).OfType<S>();

    private bool SawBefore(MigrationSpan span, QmpEvent e, S status) => Statuses(span, e).Contains(status);

    private S Last(MigrationSpan span, QmpEvent e) => Statuses(span, e).LastOrDefault(S.None);

    private static string Time(QmpEvent e) => e.Timestamp.ToString("HH:mm:ss.ffffff", System.Globalization.CultureInfo.InvariantCulture);
}
