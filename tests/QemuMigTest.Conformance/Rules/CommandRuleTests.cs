using System.Text.Json;
using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Binaries;
using QemuMigTest.Conformance.Order;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Rules;

/// <summary>Which commands are refused at which stage of a migration (<see cref="CommandTable"/>), on the side that is there; the migration does not mind.</summary>
public sealed class CommandRuleTests : RuleFixture
{
    private const long SlowestPostcopy = 4096;

    // On any machine there is room for one more, and one that could go.
    private static readonly QemuCommandLine Usb = new QemuCommandLine().With("-device", "qemu-xhci").With("-device", "usb-tablet,id=tablet");

    [MigrationTest("/migration/rules/commands/idle")]
    public async Task A_source_without_a_migration_refuses_what_is_for_one(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        await TryAsync(Stage.Idle, qemu, Environment.Source, ct);
        await TryPostcopyAsync(qemu, ct);
        // While it dumps a guest it does not migrate; afterwards it would.
        await qemu.ExecuteAsync("dump-guest-memory", new() { ["paging"] = false, ["protocol"] = "file:/dev/null", ["detach"] = true }, ct);
        await qemu.WaitForEventAsync(e => e.Name == "DUMP_COMPLETED", 0, "event DUMP_COMPLETED", ct);
        await Poll.UntilAsync(qemu.Name, "blocked-reasons to be none again after a dump", async token => (await BlockedReasonsAsync(qemu, token)).Count == 0 ? qemu : null,
            qemu.LastSeen, Environment.Limits.Command, ct);
    }

    private async Task TryPostcopyAsync(QemuProcess qemu, CancellationToken ct)
    {
        if (!Environment.Source.MigrationCapabilities.Contains(MigrationCapability.PostcopyRam.Name))
        {
            return;
        }

        await SetCapabilitiesAsync(qemu, [MigrationCapability.PostcopyRam.Name], true, ct);
        var probe = new RuleProbe(qemu, Watched.All);
        await probe.TryAsync("migrate-start-postcopy", null, [new("there must be a migration", "must be started after")], ct);
        await probe.FinishAsync(ct);
        await SetCapabilitiesAsync(qemu, [MigrationCapability.PostcopyRam.Name], false, ct);
    }

    [MigrationTest("/migration/rules/commands/migrate")]
    public async Task A_source_does_not_migrate_with_what_does_not_go_together(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        var probe = new RuleProbe(qemu, Watched.All);
        var defaults = (await probe.ReadAsync(ct)).ParameterValues;
        foreach (var row in MigrateTable.Rows.Where(IsHere))
        {
            var capabilities = MigrationCapability.Several(row.Capabilities).Select(capability => capability.Name).ToList();
            var parameters = JsonNode.Parse(row.Parameters)!.AsObject();
            await SetAsync(qemu, capabilities, true, parameters, ct);
            await probe.ReadAsync(ct);
            JsonObject arguments = new() { ["uri"] = row.Uri };
            await (row.Fails?.Includes(Environment.Source.Version) == true ? probe.TryFailingAsync("migrate", arguments, row.Reason, ct) : probe.TryAsync("migrate", arguments, [row.Reason], ct));
            await SetAsync(qemu, capabilities, false, new(parameters.Select(parameter => KeyValuePair.Create(parameter.Key, defaults[parameter.Key]?.DeepClone()))), ct);
        }

        await TryChannelsAsync(probe, ct);
        await probe.FinishAsync(ct);
        await SeeBlockersOfModeAsync(qemu, ct);
    }

    private async Task TryChannelsAsync(RuleProbe probe, CancellationToken ct)
    {
        if (!Environment.Source.Commands["migrate"].ContainsKey("channels"))
        {
            return;
        }

        static JsonNode Main() => new JsonObject
        {
            ["channel-type"] = "main",
            ["addr"] = new JsonObject { ["transport"] = "socket", ["type"] = "inet", ["host"] = "127.0.0.1", ["port"] = "1" },
        };
        await probe.TryAsync("migrate", new() { ["channels"] = new JsonArray(Main(), Main()) }, [new("there is one main channel", "main", "Channel list")], ct);
    }

    // RAM that no other process can have is no obstacle but to that mode (since 10.0).
    private async Task SeeBlockersOfModeAsync(QemuProcess qemu, CancellationToken ct)
    {
        if (!Environment.Source.MigrationParameters.TryGetValue("mode", out var modes) || !modes.Contains("cpr-transfer"))
        {
            return;
        }

        (await BlockedReasonsAsync(qemu, ct)).ShouldBeEmpty("in mode normal nothing stands in the way");
        await qemu.ExecuteAsync("migrate-set-parameters", new() { ["mode"] = "cpr-transfer" }, ct);
        (await BlockedReasonsAsync(qemu, ct)).ShouldContain(reason => reason.Contains("pc.ram") && reason.Contains("CPR"), "what stands in the way of mode cpr-transfer");
        await qemu.ExecuteAsync("migrate-set-parameters", new() { ["mode"] = "normal" }, ct);
        (await BlockedReasonsAsync(qemu, ct)).ShouldBeEmpty("in mode normal nothing stands in the way again");
    }

    private static async Task<List<string>> BlockedReasonsAsync(QemuProcess qemu, CancellationToken ct) =>
        (await qemu.ExecuteAsync("query-migrate", null, ct)).TryGetProperty("blocked-reasons", out var reasons) ? [.. reasons.EnumerateArray().Select(reason => reason.GetString()!)] : [];

    [MigrationTest("/migration/rules/commands/only-migratable"), RequiresDevice("usb-wacom-tablet")]
    public async Task A_QEMU_that_must_be_able_to_migrate_takes_no_device_that_cannot(CancellationToken ct)
    {
        var qemu = await StartAsync("source", Environment.Source, Environment.Accelerator.Name, ["-S", "-only-migratable", "-device", "qemu-xhci"], ct);
        var probe = new RuleProbe(qemu, Watched.All);
        await probe.TryAsync("device_add", new() { ["driver"] = "usb-wacom-tablet" }, [new("-only-migratable was given", "usb-wacom-tablet", "migratable")], ct);
        await probe.TryAsync("device_add", new() { ["driver"] = "usb-tablet" }, [], ct);
        await probe.FinishAsync(ct);
    }

    // One whose state is declared so, and one that says so when it is made.
    [MigrationTest("/migration/rules/commands/blocked"), RequiresDevice("usb-wacom-tablet"), RequiresDevice("ivshmem-plain")]
    public async Task A_source_with_devices_that_cannot_migrate_says_so_and_does_not(CancellationToken ct)
    {
        await TryAsync("usb-wacom", "-device", "qemu-xhci", "-device", "usb-wacom-tablet");
        await TryAsync("ivshmem", "-object", "memory-backend-ram,id=shared,size=1M,share=on", "-device", "ivshmem-plain,memdev=shared,master=off");

        async Task TryAsync(string name, params string[] devices)
        {
            var qemu = await StartAsync("source", Environment.Source, Environment.Accelerator.Name, devices.Prepend("-S"), ct);
            (await BlockedReasonsAsync(qemu, ct)).ShouldHaveSingleItem($"query-migrate says why {name} cannot migrate").ShouldContain(name);
            var probe = new RuleProbe(qemu, Watched.All);
            await probe.TryAsync("migrate", new() { ["uri"] = "tcp:127.0.0.1:1" }, [new("a device that cannot migrate stays", "migrat", name)], ct);
            await probe.FinishAsync(ct);
        }
    }

    [MigrationTest("/migration/rules/commands/incoming")]
    public async Task A_destination_that_waits_refuses_what_is_for_others(CancellationToken ct)
    {
        var qemu = await StartDestinationAsync(ct);
        await TryAsync(Stage.Waiting, qemu, Environment.Destination, ct);
        await qemu.ExecuteAsync("migrate-incoming", new() { ["uri"] = "tcp:127.0.0.1:0" }, ct);
        await TryAsync(Stage.Listening, qemu, Environment.Destination, ct);
    }

    [MigrationTest("/migration/rules/commands/precopy")]
    public async Task Both_sides_refuse_what_does_not_fit_while_a_migration_goes_on_and_after_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            SourceArguments = Usb,
            DestinationArguments = Usb,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await TryAsync(Stage.Active, pair.Source, ct);
        await TryAsync(Stage.Receiving, pair.Destination, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await TryAsync(Stage.PreSwitchover, pair.Source, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
        // Before it is postmigrate, a QEMU that has completed does not survive another migrate (docs/findings.md).
        await PostMigrate.WaitAsync(pair.Source, ct);
        await TryAsync(Stage.Completed, pair.Source, ct);
        await TryAsync(Stage.Arrived, pair.Destination, ct);
    }

    [MigrationTest("/migration/rules/commands/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task Both_sides_refuse_what_does_not_fit_in_postcopy_and_while_it_is_paused(CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(ct);
        var pair = migration.Pair;
        await TryAsync(Stage.PostcopyActive, pair.Source, ct);
        await TryAsync(Stage.PostcopyReceiving, pair.Destination, ct);
        await migration.PauseAsync(ct);
        await TryAsync(Stage.PostcopyPaused, pair.Source, ct);
        await TryAsync(Stage.PostcopyWaiting, pair.Destination, ct);
        await migration.RecoverAsync(MigrationChannel.Unix, ct);
        await pair.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/rules/commands/postcopy/migrate"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_destination_in_postcopy_does_not_migrate_on(CancellationToken ct)
    {
        var pair = (await StartPostcopyAsync(ct)).Pair;
        // What becomes of the guest is a known fault of all versions so far: no oracle could be content.
        Release(pair);
        Task<JsonElement> MigrateOnAsync() => pair.Destination.ExecuteAsync("migrate", new() { ["uri"] = "tcp:127.0.0.1:1" }, ct);
        if (Quirks.MigrateInPostcopyAborts(Environment.Destination.Version))
        {
            var ended = await Should.ThrowAsync<QemuExitedException>(MigrateOnAsync);
            ended.Status.Signal.ShouldBe((int)Signum.SIGABRT);
            ended.Stderr.ShouldContain(Quirks.MigrateInPostcopyError);
            NoteFault("migrate on a destination in postcopy: it aborts, and the guest is lost");
            return;
        }

        var refusal = await Should.ThrowAsync<QmpCommandException>(MigrateOnAsync);
        refusal.Description.ShouldContain(Quirks.MigrateInPostcopyError);
        (await pair.Destination.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Setup, "a refused migrate changes the status: known, and to be taken out of docs/findings.md when it does not");
        NoteFault("migrate on a destination in postcopy: refused, but its status goes to setup");
    }

    [MigrationTest("/migration/rules/commands/postcopy/release-ram"), RequiresCapability("postcopy-ram"), RequiresCapability("release-ram"), RequiresUserfaultfd]
    public async Task A_postcopy_whose_source_has_released_its_RAM_is_not_resumed(CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(ct, new MigrationCapability("release-ram"));
        // There is no way on for its guest, and that is the point.
        Release(migration.Pair);
        await migration.PauseAsync(ct);
        var probe = new RuleProbe(migration.Source.Process, Watched.All);
        await probe.TryAsync("migrate", new() { ["uri"] = "tcp:127.0.0.1:1", ["resume"] = true }, [new("release-ram excludes a recovery", "release-ram")], ct);
        await probe.FinishAsync(ct);
    }

    // On the build, and on the host: a source needs userfaultfd for background snapshots alone.
    private bool IsHere(MigrateRule row) => row.Versions.Includes(Environment.Source.Version)
        && MigrationCapability.Several(row.Capabilities).All(capability => Environment.Source.MigrationCapabilities.Contains(capability.Name)
            && (capability.Name != "background-snapshot" || SourceContext.Userfaultfd)
            && (capability.Name != "x-colo" || SourceContext.Replication))
        && JsonNode.Parse(row.Parameters)!.AsObject().All(parameter => Environment.Source.MigrationParameters.TryGetValue(parameter.Key, out var values)
            && (values.Count == 0 || values.Contains((string?)parameter.Value)));

    private static async Task SetAsync(QemuProcess qemu, IEnumerable<string> capabilities, bool on, JsonObject parameters, CancellationToken ct)
    {
        // In this order both ways: mapped-ram with compression locks the parameters until it is off.
        await SetCapabilitiesAsync(qemu, capabilities, on, ct);
        await qemu.ExecuteAsync("migrate-set-parameters", parameters, ct);
    }

    private async Task<MigrationRun> StartPostcopyAsync(CancellationToken ct, params IReadOnlyList<MigrationCapability> more)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.PostcopyRam, .. more],
            SourceParameters = new() { ["max-postcopy-bandwidth"] = SlowestPostcopy },
            SourceArguments = Usb,
            DestinationArguments = Usb,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await pair.Source.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: ct);
        await pair.Destination.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: ct);
        return migration;
    }

    private static Task TryAsync(Stage stage, MigrationSide side, CancellationToken ct) => TryAsync(stage, side.Process, side.Binary, ct);

    private static async Task TryAsync(Stage stage, QemuProcess qemu, QemuBinary binary, CancellationToken ct)
    {
        var probe = new RuleProbe(qemu, Watched.All);
        foreach (var row in CommandTable.Rows.Where(row => row.IsFor(stage, binary)))
        {
            await probe.TryAsync(row.Command, row.Arguments is null ? null : JsonNode.Parse(row.Arguments)!.AsObject(), [row.Reason], ct);
        }

        await probe.FinishAsync(ct);
    }
}
