using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>What QEMU says of its settings and of its migration: whole answers, so that nothing in them changes unseen.</summary>
/// <param name="Capabilities">query-migrate-capabilities.</param>
/// <param name="Parameters">query-migrate-parameters.</param>
/// <param name="Migration">The status in query-migrate.</param>
/// <param name="RunState">query-status.</param>
internal sealed record Settings(string Capabilities, string Parameters, string Migration, string RunState)
{
    /// <summary>Asks.</summary>
    public static async Task<Settings> ReadAsync(QemuProcess qemu, CancellationToken ct)
    {
        var capabilities = qemu.ExecuteAsync("query-migrate-capabilities", null, ct);
        var parameters = qemu.ExecuteAsync("query-migrate-parameters", null, ct);
        var migration = qemu.ExecuteAsync("query-migrate", null, ct);
        var state = qemu.ExecuteAsync("query-status", null, ct);
        await Task.WhenAll(capabilities, parameters, migration, state);
        var status = (await migration).TryGetProperty("status", out var said) ? said.GetString()! : "none";
        return new((await capabilities).GetRawText(), (await parameters).GetRawText(), status, (await state).GetRawText());
    }

    /// <summary>Asks for the capabilities and parameters alone: twice as fast.</summary>
    public async Task<Settings> ReadSettingsAsync(QemuProcess qemu, CancellationToken ct)
    {
        var capabilities = qemu.ExecuteAsync("query-migrate-capabilities", null, ct);
        var parameters = qemu.ExecuteAsync("query-migrate-parameters", null, ct);
        return this with { Capabilities = (await capabilities).GetRawText(), Parameters = (await parameters).GetRawText() };
    }

    /// <summary>The capabilities that are on.</summary>
    public IEnumerable<string> On => Each().Where(capability => capability.State).Select(capability => capability.Name);

    /// <summary>All capabilities, in QEMU's order.</summary>
    public IEnumerable<string> Names => Each().Select(capability => capability.Name);

    /// <summary>The parameters.</summary>
    public JsonObject ParameterValues => JsonNode.Parse(Parameters)!.AsObject();

    /// <summary>What is different in another answer, for people; null for nothing.</summary>
    public string? DifferenceTo(Settings after)
    {
        List<string> found = [];
        var on = On.ToHashSet();
        on.SymmetricExceptWith(after.On);
        if (Capabilities != after.Capabilities)
        {
            found.Add(on.Count > 0 ? $"capabilities {string.Join(", ", on.Order())} changed" : "query-migrate-capabilities changed");
        }

        if (Parameters != after.Parameters)
        {
            var (then, now) = (ParameterValues, after.ParameterValues);
            found.Add("parameters changed: " + string.Join(", ", then.Select(pair => pair.Key).Union(now.Select(pair => pair.Key))
                .Where(name => !JsonNode.DeepEquals(then[name], now[name])).Select(name => $"{name} from {Text(then[name])} to {Text(now[name])}")));
        }

        if (Migration != after.Migration)
        {
            found.Add($"query-migrate's status went from {Migration} to {after.Migration}");
        }

        if (RunState != after.RunState)
        {
            found.Add($"query-status went from {RunState} to {after.RunState}");
        }

        return found.Count == 0 ? null : string.Join("; ", found);
    }

    private static string Text(JsonNode? value) => value?.ToJsonString() ?? "nothing";

    private IEnumerable<(string Name, bool State)> Each()
    {
        using var document = JsonDocument.Parse(Capabilities);
        return [.. document.RootElement.EnumerateArray().Select(item => (item.GetProperty("capability").GetString()!, item.GetProperty("state").GetBoolean()))];
    }
}
