using System.Text.Json.Nodes;

namespace QemuMigTest.Migration;

/// <summary>What is typed in QEMU's human monitor (HMP) for a command of QMP's.</summary>
internal static class HumanMonitor
{
    // Without a unit they are MiB.
    private static readonly string[] InMebibytes = ["max-bandwidth", "avail-switchover-bandwidth"];

    /// <summary>The lines that do what a command does.</summary>
    /// <param name="command">QAPI's name of it.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Null where HMP has none for it, or none with these arguments.</returns>
    public static IReadOnlyList<string>? Lines(string command, JsonObject? arguments) => (command, arguments) switch
    {
        ("migrate", { } given) when Text(given, "uri") is { } uri && Knows(given, "uri", "resume") => [$"migrate -d {(given["resume"]?.GetValue<bool>() is true ? "-r " : "")}{uri}"],
        // Since 9.1 as if exit-on-error were false.
        ("migrate-incoming", { } given) when Text(given, "uri") is { } uri && Knows(given, "uri", "exit-on-error") => [$"migrate_incoming {uri}"],
        ("migrate-recover", { } given) when Text(given, "uri") is { } uri && Knows(given, "uri") => [$"migrate_recover {uri}"],
        ("migrate-continue", { } given) when Text(given, "state") is { } state => [$"migrate_continue {state}"],
        ("migrate_cancel" or "migrate-start-postcopy" or "migrate-pause", null) => [command.Replace('-', '_')],
        ("migrate-set-capabilities", { } given) => [.. given["capabilities"]!.AsArray().Select(state => $"migrate_set_capability {Text(state!.AsObject(), "capability")} {OnOrOff(state["state"]!.GetValue<bool>())}")],
        ("migrate-set-parameters", { } given) when given.All(parameter => parameter.Value is JsonValue) => [.. given.Select(parameter => $"migrate_set_parameter {parameter.Key} {Value(parameter.Key, parameter.Value!.AsValue())}")],
        _ => null,
    };

    private static bool Knows(JsonObject given, params IReadOnlyList<string> names) => given.All(argument => names.Contains(argument.Key));

    private static string? Text(JsonObject given, string name) => given[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string Value(string parameter, JsonValue value)
    {
        var text = value.TryGetValue<bool>(out var on) ? OnOrOff(on) : value.ToString();
        return InMebibytes.Contains(parameter) ? $"{text}B" : text;
    }

    private static string OnOrOff(bool on) => on ? "on" : "off";
}
