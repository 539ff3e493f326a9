using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Output;

/// <summary>The last lines of a terminal while a run takes place: the tests that run and how far the run is.</summary>
internal sealed class LiveArea(TerminalScreen screen)
{
    private const int LinesForOthers = 4;

    private RunProgress? _progress;

    /// <summary>Shows the area from now on.</summary>
    public void Begin(RunProgress progress)
    {
        _progress = progress;
        Refresh();
    }

    /// <summary>Brings it up to date.</summary>
    public void Refresh()
    {
        if (_progress is { } progress)
            screen.ShowLive([.. Lines(progress)]);
    }

    /// <summary>Removes it.</summary>
    public void End()
    {
        _progress = null;
        screen.ShowLive([]);
    }

    private IEnumerable<Piece[]> Lines(RunProgress progress)
    {
        var running = progress.Running.ToList();
        var room = Math.Max(1, screen.Height - LinesForOthers);
        foreach (var (test, seconds) in running.Take(room))
        {
            var late = seconds > test.Limit.TotalSeconds;
            yield return
            [
                new Piece(screen.RunningMark, Tone.Faint),
                $" {test.Path} ",
                new Piece(Texts.Duration(seconds), late ? Tone.Warning : Tone.Faint),
                new Piece(late ? $", over its limit of {Texts.Duration(test.Limit.TotalSeconds)}" : "", Tone.Warning),
            ];
        }
        if (running.Count > room)
            yield return [new Piece($"  and {running.Count - room} more", Tone.Faint)];
        yield return [.. Status(progress)];
    }

    private static IEnumerable<Piece> Status(RunProgress progress)
    {
        var settings = progress.Plan.Settings;
        yield return new Piece($"{progress.DoneInRound} of {progress.Plan.Tests.Count} done", Tone.Strong);
        if (settings.Repeat != 1)
            yield return settings.Repeat is { } rounds ? $", round {progress.Round} of {rounds}" : $", round {progress.Round}";
        if (progress.Count(TestOutcome.Failed) + progress.Problems.Count is > 0 and var failed)
            yield return new Piece($", {failed} failed", Tone.Bad);
        if (progress.Count(TestOutcome.Skipped) is > 0 and var skipped)
            yield return new Piece($", {skipped} skipped", Tone.Warning);
        yield return new Piece($", {Math.Floor(progress.Clock.Seconds):0} s", Tone.Faint);
        if (progress.SecondsLeftInRound is >= 1 and var left)
            yield return new Piece($", about {Math.Ceiling(left):0} s left{(settings.Repeat == 1 ? "" : " of this round")}", Tone.Faint);
    }
}
