using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Rules;
using QemuMigTest.Conformance.Streams;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>Without capability events a migration sends none of its own; with it every migration of the suite relies on them.</summary>
public sealed class EventsTests : RuleFixture
{
    private const string Prefix = "MIGRATION";

    [MigrationTest("/migration/promises/events")]
    public async Task A_migration_without_events_is_seen_by_query_migrate_alone(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("");
        var path = scratch.File("stream");
        var source = await StartSourceAsync(ct);
        await MigrateAsync(source, "migrate", await StreamFile.CreateAsync(source, Environment.Source, path, ct), [], ct);
        var destination = await StartDestinationAsync(ct);
        await MigrateAsync(destination, "migrate-incoming", await StreamFile.OpenAsync(destination, Environment.Destination, path, ct),
            Quirks.SetupComesUnasked(Environment.Destination.Version) ? ["MIGRATION {\"status\": \"setup\"}"] : [], ct);
    }

    private static async Task MigrateAsync(QemuProcess qemu, string command, string uri, IReadOnlyList<string> unasked, CancellationToken ct)
    {
        await qemu.ExecuteAsync(command, new JsonObject { ["uri"] = uri }, ct);
        MigrationInfo? seen = null;
        await Poll.UntilAsync(qemu.Name, "query-migrate to say completed",
            async token => (seen = new(await qemu.ExecuteAsync("query-migrate", null, token))).Status == MigrationStatus.Completed ? qemu : null,
            () => $"{seen}; {qemu.LastSeen()}", qemu.Options.Limits.Step, ct);
        qemu.Qmp.Events.Snapshot().Where(e => e.Name.StartsWith(Prefix, StringComparison.Ordinal)).Select(e => $"{e.Name} {e.Data}").Except(unasked)
            .ShouldBeEmpty($"{qemu.Name}: capability events is off");
    }
}
