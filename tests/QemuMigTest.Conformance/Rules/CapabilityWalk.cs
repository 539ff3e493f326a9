using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Sets capabilities step by step, and holds QEMU's answers against what the table says of each step: the state after a step is the one asked for, or, when
/// a rule is broken, the one before. So a result that depends on the order of steps, where the table's does not, is seen.</summary>
internal sealed class CapabilityWalk(RuleProbe probe, IReadOnlyList<CapabilityRule> rules, RuleContext context, RuleState? first = null)
{
    private const string Compression = "multifd-compression";
    private const string Credentials = "tls-creds";

    /// <summary>What is set now.</summary>
    public RuleState State { get; private set; } = first ?? RuleState.AllOff;

    /// <summary>One migrate-set-capabilities.</summary>
    public async Task SetAsync(IReadOnlyList<(string Name, bool On)> changes, CancellationToken ct)
    {
        var next = State.With(changes);
        var reasons = CapabilityRule.Broken(rules, State, next, context);
        var arguments = new JsonObject
        {
            ["capabilities"] = new JsonArray([.. changes.Select(change => new JsonObject { ["capability"] = change.Name, ["state"] = change.On })]),
        };
        var after = await probe.TryAsync("migrate-set-capabilities", arguments, reasons, (was, now) =>
            !next.On.SetEquals(now.On) ? $"on are {string.Join(", ", now.On)}, and should be {string.Join(", ", next.On)}" : (was with { Capabilities = now.Capabilities }).DifferenceTo(now), ct);
        // As QEMU says, so that one fault is not reported by every step after it.
        State = State with { On = after.On.ToImmutableSortedSet(StringComparer.Ordinal) };
    }

    /// <summary>Turns one on.</summary>
    public Task OnAsync(string name, CancellationToken ct) => SetAsync([(name, true)], ct);

    /// <summary>Turns all off that are on, in one command; none when none is.</summary>
    public Task AllOffAsync(CancellationToken ct) => State.On.IsEmpty ? Task.CompletedTask : SetAsync([.. State.On.Select(name => (name, false))], ct);

    /// <summary>Sets multifd-compression, which some capabilities exclude.</summary>
    public Task SetCompressionAsync(bool on, CancellationToken ct) => SetParameterAsync(Compression, on ? "zlib" : "none", State with { Compressed = on }, ct);

    /// <summary>Sets tls-creds, which some capabilities exclude.</summary>
    public Task SetTlsAsync(bool on, CancellationToken ct) => SetParameterAsync(Credentials, on ? "nobody" : "", State with { Tls = on }, ct);

    private async Task SetParameterAsync(string name, string value, RuleState next, CancellationToken ct)
    {
        var reasons = CapabilityRule.Broken(CapabilityTable.ParameterRules, State, next, context);
        var after = await probe.TryAsync("migrate-set-parameters", new() { [name] = value }, reasons,
            (was, now) => (was with { Parameters = Changed(was, name, value).ToJsonString() }).DifferenceTo(now with { Parameters = now.ParameterValues.ToJsonString() }), ct);
        var parameters = after.ParameterValues;
        State = State with { Compressed = (string?)parameters[Compression] != "none", Tls = !string.IsNullOrEmpty((string?)parameters[Credentials]) };
    }

    private static JsonObject Changed(Settings settings, string name, string value)
    {
        var parameters = settings.ParameterValues;
        parameters[name] = value;
        return parameters;
    }
}
