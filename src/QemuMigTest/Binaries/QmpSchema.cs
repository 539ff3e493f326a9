using System.Text.Json;

namespace QemuMigTest.Binaries;

/// <summary>What query-qmp-schema (since 2.5) says of commands, their arguments and events.</summary>
internal sealed class QmpSchema(JsonElement schema)
{
    private readonly Dictionary<string, JsonElement> _entities = schema.EnumerateArray().ToDictionary(entity => entity.GetProperty("name").GetString()!);

    /// <summary>Each command with its arguments, and each argument with the values that enumerations in it may have.</summary>
    public Dictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>> Commands() => OfKind("command").ToDictionary(
        command => command.GetProperty("name").GetString()!,
        command => (IReadOnlyDictionary<string, IReadOnlyList<string>>)Members(
            command.GetProperty("arg-type").GetString()!,
            // Deep only where we ask for it: the block layer's commands reach thousands of values.
            deep: command.GetProperty("name").GetString()!.StartsWith("migrate", StringComparison.Ordinal)));

    /// <summary>The names of all events.</summary>
    public HashSet<string> Events() => OfKind("event").Select(entity => entity.GetProperty("name").GetString()!).ToHashSet();

    private IEnumerable<JsonElement> OfKind(string kind) => _entities.Values.Where(entity => entity.GetProperty("meta-type").GetString() == kind);

    private Dictionary<string, IReadOnlyList<string>> Members(string type, bool deep) => MembersOf(type).ToDictionary(
        member => member.GetProperty("name").GetString()!,
        member => (IReadOnlyList<string>)[.. Values(member.GetProperty("type").GetString()!, deep, []).Distinct()]);

    private IEnumerable<JsonElement> MembersOf(string type) =>
        _entities.TryGetValue(type, out var entity) && entity.GetProperty("meta-type").GetString() == "object" ? entity.GetProperty("members").EnumerateArray() : [];

    private IEnumerable<string> Values(string type, bool deep, HashSet<string> seen)
    {
        if (!seen.Add(type) || !_entities.TryGetValue(type, out var entity))
        {
            return [];
        }

        return entity.GetProperty("meta-type").GetString() switch
        {
            "enum" => entity.GetProperty("values").EnumerateArray().Select(value => value.GetString()!),
            "array" when deep => Values(entity.GetProperty("element-type").GetString()!, deep, seen),
            "object" when deep => MembersOf(type).SelectMany(member => Values(member.GetProperty("type").GetString()!, deep, seen)),
            _ => [],
        };
    }
}
