using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Rules;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Hmp;

/// <summary>What is typed in the human monitor sets that parameter or capability and no other, and it is shown there as QMP shows it.</summary>
public sealed class HumanSettingsTests : RuleFixture
{
    // What is typed, and what query-migrate-parameters says then. None of them is a default.
    private static readonly (string Name, string Typed, JsonNode Value)[] Parameters =
    [
        ("announce-initial", "61", 61),
        ("announce-max", "602", 602),
        ("announce-rounds", "7", 7),
        ("announce-step", "93", 93),
        ("throttle-trigger-threshold", "44", 44),
        ("cpu-throttle-initial", "33", 33),
        ("cpu-throttle-increment", "22", 22),
        ("cpu-throttle-tailslow", "on", true),
        ("max-cpu-throttle", "88", 88),
        ("tls-creds", "credentials", "credentials"),
        ("tls-hostname", "name.example", "name.example"),
        ("tls-authz", "list", "list"),
        // Mebibytes without a unit.
        ("max-bandwidth", "7", 7 << 20),
        ("max-bandwidth", "5242881B", 5242881),
        ("avail-switchover-bandwidth", "9", 9 << 20),
        // Bytes.
        ("max-postcopy-bandwidth", "3145729", 3145729),
        ("downtime-limit", "1234", 1234),
        ("x-checkpoint-delay", "2345", 2345),
        ("multifd-channels", "5", 5),
        ("multifd-compression", "zlib", "zlib"),
        ("multifd-zlib-level", "3", 3),
        ("multifd-zstd-level", "4", 4),
        ("zero-page-detection", "legacy", "legacy"),
        ("xbzrle-cache-size", "134217728", 134217728),
        ("vcpu-dirty-limit", "5", 5),
        ("x-vcpu-dirty-limit-period", "900", 900),
        ("mode", "cpr-reboot", "cpr-reboot"),
        ("direct-io", "on", true),
    ];

    // Neither excludes one of the others, nor needs what a host may lack.
    private static readonly string[] Capabilities =
        ["xbzrle", "auto-converge", "events", "multifd", "pause-before-switchover", "late-block-activate", "return-path", "release-ram", "dirty-bitmaps", "validate-uuid", "x-ignore-shared"];

    [MigrationTest("/migration/hmp/parameters")]
    public async Task A_parameter_is_set_and_shown(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        var expected = await ParametersAsync(qemu, ct);
        foreach (var (name, typed, value) in Parameters.Where(parameter => expected.ContainsKey(parameter.Name) && !IsIgnored(parameter.Name)))
        {
            (await HumanText.OfAsync(qemu, $"migrate_set_parameter {name} {typed}", ct)).ShouldBeEmpty();
            expected[name] = value.DeepClone();
            var now = await ParametersAsync(qemu, ct);
            Differences(expected, now).ShouldBeEmpty($"after migrate_set_parameter {name} {typed}");
        }

        var shown = (await HumanText.OfAsync(qemu, "info migrate_parameters", ct)).Split('\n').Select(line => line.Trim().Split(": ")).Where(line => line.Length == 2).ToDictionary(line => line[0], line => line[1]);
        shown.Count.ShouldBeGreaterThan(10);
        foreach (var (name, text) in shown.Where(line => expected[line.Key] is JsonValue))
        {
            var value = expected[name]!.AsValue();
            // Behind it its unit.
            text.Split(' ')[0].Trim('\'').ShouldBe(value.TryGetValue<bool>(out var on) ? on ? "on" : "off" : value.ToString(), $"{name} by info migrate_parameters, and by query-migrate-parameters");
        }

        bool IsIgnored(string name) => name is "multifd-zlib-level" or "multifd-zstd-level" && !Environment.Source.Version.IsAtLeast(8, 0);
    }

    [MigrationTest("/migration/hmp/capabilities")]
    public async Task A_capability_is_set_and_shown(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        foreach (var name in Capabilities.Where(Environment.Source.MigrationCapabilities.Contains))
        {
            var before = await CapabilitiesAsync(qemu, ct);
            foreach (var on in new[] { true, false })
            {
                (await HumanText.OfAsync(qemu, $"migrate_set_capability {name} {(on ? "on" : "off")}", ct)).ShouldBeEmpty();
                var now = await CapabilitiesAsync(qemu, ct);
                now.ShouldBe(before.Select(state => state.Name == name ? (name, on) : state), $"after migrate_set_capability {name} {on}");
                var shown = await HumanText.OfAsync(qemu, "info migrate_capabilities", ct);
                shown.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ShouldBe(now.Select(state => $"{state.Name}: {(state.On ? "on" : "off")}"));
            }
        }
    }

    [MigrationTest("/migration/hmp/refused")]
    public async Task What_is_refused_is_said_and_changes_nothing(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        var before = (await ParametersAsync(qemu, ct)).ToJsonString();
        (string Line, string Error)[] refused =
        [
            ("migrate_set_parameter downtime-limit 2000001", "downtime"),
            ("migrate_set_parameter multifd-channels 0", "multifd"),
            ("migrate_set_parameter multifd-compression none-of-them", "none-of-them"),
            ("migrate_set_parameter no-such 1", "no-such"),
            ("migrate_set_capability no-such on", "no-such"),
            ("migrate_start_postcopy", "Enable postcopy"),
            ("migrate_pause", "migrate-pause"),
            ("migrate_recover unix:/nowhere", "Migrate recover"),
            ("migrate_incoming unix:/nowhere", "-incoming"),
            ("migrate -d no-such:thing", "migration protocol"),
        ];
        foreach (var (line, error) in refused)
        {
            (await HumanText.OfAsync(qemu, line, ct)).ShouldContain(error, Case.Insensitive, $"what {line} says");
        }

        (await ParametersAsync(qemu, ct)).ToJsonString().ShouldBe(before);
    }

    private static IEnumerable<string> Differences(JsonObject expected, JsonObject now) =>
        from name in expected.Select(parameter => parameter.Key).Union(now.Select(parameter => parameter.Key))
        where !JsonNode.DeepEquals(expected[name], now[name])
        select $"{name} should be {expected[name]?.ToJsonString() ?? "none"}, and is {now[name]?.ToJsonString() ?? "none"}";

    private static async Task<JsonObject> ParametersAsync(QemuProcess qemu, CancellationToken ct) => JsonObject.Create(await qemu.ExecuteAsync("query-migrate-parameters", null, ct))!;

    private static async Task<IReadOnlyList<(string Name, bool On)>> CapabilitiesAsync(QemuProcess qemu, CancellationToken ct) =>
        [.. (await qemu.ExecuteAsync("query-migrate-capabilities", null, ct)).EnumerateArray().Select(state => (state.GetProperty("capability").GetString()!, state.GetProperty("state").GetBoolean()))];
}
