using System.Text.Json.Nodes;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Capabilities and parameters are what they were set to: no migration, however it ended, has changed one.</summary>
internal sealed class SettingsOracle : IPairOracle
{
    public string Name => "settings";

    public Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct) =>
        EachSide.FindAsync(pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted), side => CheckAsync(side, ct));

    private async Task<IEnumerable<OracleFinding>> CheckAsync(MigrationSide side, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        if (side.CapabilitiesSet is { } capabilities)
        {
            var now = await side.QueryCapabilitiesAsync(ct);
            findings.AddRange(Differences(Texts(capabilities), Texts(now)).Select(text => new OracleFinding(Name, side.Name, $"capability {text}")));
        }

        if (side.ParametersSet is { } parameters)
        {
            var now = await side.QueryParametersAsync(ct);
            findings.AddRange(Differences(Texts(parameters), Texts(now)).Select(text => new OracleFinding(Name, side.Name, $"parameter {text}")));
        }

        return findings;
    }

    /// <summary>What is not as it was, by name.</summary>
    internal static IEnumerable<string> Differences(IReadOnlyDictionary<string, string> before, IReadOnlyDictionary<string, string> now) =>
        from name in before.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
        let was = before.GetValueOrDefault(name, "none")
        let has = now.GetValueOrDefault(name, "none")
        where was != has
        select $"{name} is {has}; it was {was} when they were last set, and no command has changed it";

    private static Dictionary<string, string> Texts(IReadOnlyDictionary<string, bool> capabilities) => capabilities.ToDictionary(capability => capability.Key, capability => capability.Value ? "on" : "off");

    private static Dictionary<string, string> Texts(JsonObject parameters) => parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value?.ToJsonString() ?? "null");
}
