using System.Text.Json.Nodes;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Sends commands to a QEMU and sees whether it refuses and accepts what a table says. It keeps all that does not hold, so that one run shows it all.</summary>
internal sealed class RuleProbe(QemuProcess qemu, Watched watched)
{
    private const int MaxShown = 60;
    private readonly List<string> _broken = [];
    private int _commands;
    private string? _ending;
    private Settings? _first;
    private Settings? _last;

    /// <summary>Sends a command that must be refused for one of some reasons, with nothing changed by it; or, where there is none, accepted.</summary>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Its arguments, or null.</param>
    /// <param name="reasons">Why it must be refused; none when it must be accepted.</param>
    /// <param name="wanted">What must be set once it was accepted: given what was set before and what is now, it says what is wrong, or null.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>What is set afterwards.</returns>
    public async Task<Settings> TryAsync(string command, JsonObject? arguments, IReadOnlyList<Refusal> reasons, Func<Settings, Settings, string?> wanted, CancellationToken ct)
    {
        var before = _last ?? await ReadAsync(ct);
        QmpCommandException? error = null;
        try
        {
            await qemu.ExecuteAsync(command, arguments, ct);
        }
        catch (QmpCommandException e)
        {
            error = e;
        }

        if (_ending is not null)
        {
            // It fails in the migration's own time, and says failing meanwhile.
            await Poll.UntilAsync(qemu.Name, $"query-migrate to say {_ending}", async token => (await Settings.ReadAsync(qemu, token)).Migration == _ending ? this : null,
                qemu.LastSeen, qemu.Options.Limits.Step, ct);
            before = before with { Migration = _ending };
        }

        var after = watched == Watched.All ? await Settings.ReadAsync(qemu, ct) : await before.ReadSettingsAsync(qemu, ct);
        _last = after;
        _commands++;
        if (Wrong(error, reasons, before, after, wanted) is { } wrong)
        {
            _broken.Add($"{qemu.Name}: {command} {arguments?.ToJsonString()} with {string.Join(", ", before.On.DefaultIfEmpty("no capability"))} on, {before.Migration}: {wrong}");
        }

        return after;
    }

    /// <summary>The same, for a command that changes nothing also when it is accepted.</summary>
    public Task<Settings> TryAsync(string command, JsonObject? arguments, IReadOnlyList<Refusal> reasons, CancellationToken ct) =>
        TryAsync(command, arguments, reasons, (before, after) => before.DifferenceTo(after), ct);

    /// <summary>The same, for a command that must be refused and whose migration ends as failed.</summary>
    public async Task TryFailingAsync(string command, JsonObject arguments, Refusal reason, CancellationToken ct)
    {
        _ending = "failed";
        await TryAsync(command, arguments, [reason], ct);
        _ending = null;
    }

    /// <summary>Something else that does not hold.</summary>
    public void Add(string broken) => _broken.Add($"{qemu.Name}: {broken}");

    /// <summary>What is set now; from here on, what a command changes is measured by it.</summary>
    public async Task<Settings> ReadAsync(CancellationToken ct)
    {
        _last = await Settings.ReadAsync(qemu, ct);
        _first ??= _last;
        return _last;
    }

    /// <summary>Ends the probe: what was not watched at each command has not changed either.</summary>
    /// <exception cref="RuleException">Something did not hold, or nothing was tried.</exception>
    public async Task FinishAsync(CancellationToken ct)
    {
        if (watched == Watched.Settings && _first is { } first && await Settings.ReadAsync(qemu, ct) is var last && (last with { Migration = first.Migration, RunState = first.RunState }).DifferenceTo(last) is { } changed)
        {
            Add($"commands that set something did more: {changed}");
        }

        if (_broken.Count > 0)
        {
            throw new RuleException($"{_broken.Count} of {_commands} commands did not go as the table says:\n  " + string.Join("\n  ", _broken.Take(MaxShown))
                + (_broken.Count > MaxShown ? $"\n  and {_broken.Count - MaxShown} more" : ""));
        }

        if (_commands == 0)
        {
            throw new RuleException($"{qemu.Name}: no row of the table was tried");
        }
    }

    private static string? Wrong(QmpCommandException? error, IReadOnlyList<Refusal> reasons, Settings before, Settings after, Func<Settings, Settings, string?> wanted)
    {
        if (reasons.Count == 0)
        {
            return error is not null ? $"should be accepted; it was refused: {error.ErrorClass}: {error.Description}" : wanted(before, after) is { } wrong ? $"was accepted, but {wrong}" : null;
        }

        var expected = string.Join(", or ", reasons.Select(reason => reason.ToString()));
        if (error is null)
        {
            return $"should be refused: {expected}; it was accepted";
        }

        return !reasons.Any(reason => reason.Matches(error)) ? $"should be refused: {expected}; it was refused with {error.ErrorClass}: {error.Description}"
            : before.DifferenceTo(after) is { } changed ? $"was refused ({error.Description}), but {changed}"
            : null;
    }
}
