using System.Text.Json.Nodes;
using QemuMigTest.Binaries;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>The rules of parameters (<see cref="ParameterTable"/>), on a QEMU by itself.</summary>
public sealed class ParameterRuleTests : RuleFixture
{
    private const string Set = "migrate-set-parameters";

    [MigrationTest("/migration/rules/parameters/known")]
    public async Task The_parameters_are_those_of_the_table_with_its_defaults(CancellationToken ct)
    {
        foreach (var (qemu, binary) in new[] { (await StartSourceAsync(ct), Environment.Source), (await StartDestinationAsync(ct), Environment.Destination) })
        {
            var values = (await Settings.ReadAsync(qemu, ct)).ParameterValues;
            var known = ParameterTable.Known.Select(rule => rule.Name).ToList();
            values.Select(value => value.Key).Union(binary.MigrationParameters.Keys).Except(known).Except(ParameterTable.NotShown).ShouldBeEmpty(
                $"{qemu.Name}: {binary} has parameters that the table does not know. Add them, with default and range, to ParameterTable; until then no other path sets them");
            foreach (var rule in ParameterTable.Known.Where(rule => rule.Versions.Includes(binary.Version)))
            {
                var wanted = rule.DefaultOn(Environment.MachineVersion);
                JsonNode.DeepEquals(values[rule.Name], JsonNode.Parse(wanted!)).ShouldBeTrue(
                    $"{qemu.Name}: {binary} should have {rule.Name}={wanted} by default; query-migrate-parameters says {values[rule.Name]?.ToJsonString() ?? "nothing"}");
            }
        }
    }

    [MigrationTest("/migration/rules/parameters/values/source")]
    public async Task Values_within_their_range_read_back_and_others_are_refused_by_the_source(CancellationToken ct) => await TryValuesAsync(await StartSourceAsync(ct), Environment.Source, ct);

    [MigrationTest("/migration/rules/parameters/values/destination")]
    public async Task Values_within_their_range_read_back_and_others_are_refused_by_the_destination(CancellationToken ct) =>
        await TryValuesAsync(await StartDestinationAsync(ct), Environment.Destination, ct);

    [MigrationTest("/migration/rules/parameters/together")]
    public async Task A_command_with_one_wrong_parameter_changes_none(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        foreach (var (json, reason) in ParameterTable.Together)
        {
            await SetAsync(probe, json, json, reason, ct);
        }

        await probe.FinishAsync(ct);
    }

    [MigrationTest("/migration/rules/parameters/lock"), RequiresCapability("mapped-ram")]
    public async Task Mapped_ram_and_compression_lock_the_parameters_until_mapped_ram_is_off(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        var walk = new CapabilityWalk(probe, CapabilityTable.Rules, SourceContext);
        foreach (var set in new Func<bool, CancellationToken, Task>[] { walk.SetCompressionAsync, walk.SetTlsAsync })
        {
            // Mapped-ram first, and what it excludes first.
            await walk.OnAsync("mapped-ram", ct);
            await set(true, ct);
            await set(false, ct);
            await walk.OnAsync("mapped-ram", ct);
            await walk.AllOffAsync(ct);
            await walk.OnAsync("mapped-ram", ct);
            await set(false, ct);
            await walk.AllOffAsync(ct);
            await set(false, ct);
        }

        await probe.FinishAsync(ct);
        NoteFault("mapped-ram and compression, or TLS: both are accepted, and every migrate-set-parameters is refused until mapped-ram is off");
    }

    private async Task TryValuesAsync(QemuProcess qemu, QemuBinary binary, CancellationToken ct)
    {
        var probe = new RuleProbe(qemu, Watched.Settings);
        var first = await probe.ReadAsync(ct);
        foreach (var rule in ParameterTable.Known.Where(rule => rule.Versions.Includes(binary.Version)))
        {
            var listed = rule.IsEnumeration ? binary.MigrationParameters[rule.Name].Select(value => ($"\"{value}\"", $"\"{value}\"")) : [];
            foreach (var (value, reads) in listed.Concat(rule.Accepted))
            {
                await SetAsync(probe, Json(rule.Name, value), Json(rule.Name, reads), null, ct);
            }

            foreach (var (value, reason) in rule.Refused)
            {
                await SetAsync(probe, Json(rule.Name, value), "{}", reason, ct);
            }

            var standard = Json(rule.Name, rule.DefaultOn(Environment.MachineVersion)!);
            await SetAsync(probe, standard, standard, null, ct);
        }

        if (first.DifferenceTo(await probe.ReadAsync(ct)) is { } left)
        {
            probe.Add($"after all parameters were set to their defaults again, {left}");
        }

        await probe.FinishAsync(ct);
    }

    private static Task SetAsync(RuleProbe probe, string arguments, string reads, Refusal? reason, CancellationToken ct) =>
        probe.TryAsync(Set, JsonNode.Parse(arguments)!.AsObject(), reason is null ? [] : [reason], (was, now) => Wrong(was, now, reads), ct);

    private static string? Wrong(Settings was, Settings now, string reads)
    {
        var wanted = was.ParameterValues;
        foreach (var (name, value) in JsonNode.Parse(reads)!.AsObject())
        {
            wanted[name] = value?.DeepClone();
        }

        return JsonNode.DeepEquals(wanted, now.ParameterValues) ? (was with { Parameters = now.Parameters }).DifferenceTo(now)
            : (was with { Parameters = wanted.ToJsonString() }).DifferenceTo(now);
    }

    private static string Json(string name, string value) => $"{{\"{name}\":{value}}}";
}
