using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Leaks;

namespace QemuMigTest.Conformance.Drills;

/// <summary>Capabilities and parameters that change without a command of the framework's.</summary>
public sealed class SettingsDrills : DrillFixture
{
    [Test, DrillLimit]
    public async Task A_capability_that_a_migration_turned_off_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Source.Process.ExecuteAsync("migrate-set-capabilities", new() { ["capabilities"] = new JsonArray(new JsonObject { ["capability"] = "events", ["state"] = false }) }, ct);
        (await FindingsAsync(pair, ct)).ShouldBe("[settings] source: capability events is off; it was on when they were last set, and no command has changed it");
    }

    [Test, DrillLimit]
    public async Task A_parameter_that_a_migration_changed_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Destination.Process.ExecuteAsync("migrate-set-parameters", new() { ["announce-rounds"] = 6 }, ct);
        (await FindingsAsync(pair, ct)).ShouldBe("[settings] destination: parameter announce-rounds is 6; it was 5 when they were last set, and no command has changed it");
    }

    [Test, DrillLimit]
    public async Task A_parameter_that_a_migration_changed_before_another_was_set_is_found(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await pair.Source.Process.ExecuteAsync("migrate-set-parameters", new() { ["cpu-throttle-initial"] = 30 }, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldBe("[settings] source: parameter cpu-throttle-initial is 30; it was 20 when they were last set, and no command has changed it");
    }

    [Test, DrillLimit]
    public async Task Dirty_tracking_that_no_migration_needs_is_found(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        using var sink = new SinkServer(hangsUp: false);
        var position = pair.Source.EventPosition;
        // By no migration of the framework's: it knows of none.
        await pair.Source.ExecuteAsync("migrate", new() { ["uri"] = sink.Uri }, ct);
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Active, position, "migration status active", ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[dirty tracking] source: it is on (trace event global_dirty_changed, 0x1), and no migration is under way");
    }
}
