using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>The rules of capabilities (<see cref="CapabilityTable"/>), on a QEMU by itself: every capability, every pair in every order, and long random walks.</summary>
public sealed class CapabilityRuleTests : RuleFixture
{
    private const int Steps = 120;
    private const int Seed = 4;
    private const string DirtyRingAccelerator = "kvm,dirty-ring-size=4096";

    [MigrationTest("/migration/rules/capabilities/known")]
    public async Task The_capabilities_are_those_of_the_table_and_off(CancellationToken ct)
    {
        foreach (var qemu in new[] { await StartSourceAsync(ct), await StartDestinationAsync(ct) })
        {
            var version = qemu.Name == "source" ? Environment.Source.Version : Environment.Destination.Version;
            var settings = await Settings.ReadAsync(qemu, ct);
            settings.Names.Except(CapabilityTable.Known.Select(known => known.Name)).ShouldBeEmpty(
                $"{qemu.Name}: QEMU {version} has capabilities that the table does not know. Add them, with their rules, to CapabilityTable; until then no other path turns them on");
            CapabilityTable.Known.Where(known => known.Versions.Includes(version)).Select(known => known.Name).Except(settings.Names).ShouldBeEmpty(
                $"{qemu.Name}: QEMU {version} does not have all capabilities of the table");
            settings.On.ShouldBeEmpty($"{qemu.Name}: no capability is on by default");
        }
    }

    [MigrationTest("/migration/rules/capabilities/pairs/source")]
    public async Task Every_pair_is_accepted_or_refused_by_the_source_in_every_order(CancellationToken ct) => await TryPairsAsync(await StartSourceAsync(ct), SourceContext, ct);

    [MigrationTest("/migration/rules/capabilities/pairs/destination")]
    public async Task Every_pair_is_accepted_or_refused_by_the_destination_in_every_order(CancellationToken ct) =>
        await TryPairsAsync(await StartDestinationAsync(ct), DestinationContext, ct);

    [MigrationTest("/migration/rules/capabilities/dirty-ring"), RequiresCapability("dirty-limit"), RequiresDirtyRing]
    public async Task With_a_dirty_ring_dirty_limit_goes_with_all_but_auto_converge(CancellationToken ct)
    {
        var qemu = await StartAsync("source", Environment.Source, DirtyRingAccelerator, ["-S"], ct);
        await TryPairsAsync(qemu, SourceContext with { DirtyRing = true }, ct, only: "dirty-limit");
    }

    [MigrationTest("/migration/rules/capabilities/walk/source")]
    public async Task A_random_walk_on_the_source_ends_where_the_table_says(CancellationToken ct) => await WalkAsync(await StartSourceAsync(ct), SourceContext, ct);

    [MigrationTest("/migration/rules/capabilities/walk/destination")]
    public async Task A_random_walk_on_the_destination_ends_where_the_table_says(CancellationToken ct) => await WalkAsync(await StartDestinationAsync(ct), DestinationContext, ct);

    [MigrationTest("/migration/rules/capabilities/incoming")]
    public async Task After_migrate_incoming_what_is_set_may_be_set_again(CancellationToken ct)
    {
        // With nothing on, with multifd on and with preemption on: each may only be turned on before.
        foreach (var before in new[] { "", "multifd", "postcopy-ram postcopy-preempt" })
        {
            var names = MigrationCapability.Several(before).Select(capability => capability.Name).ToList();
            if (!names.All(Environment.Destination.MigrationCapabilities.Contains) || (names.Contains("postcopy-ram") && Environment.Host.UserfaultfdError is not null))
            {
                continue;
            }

            var qemu = await StartDestinationAsync(ct);
            var probe = new RuleProbe(qemu, Watched.Settings);
            var first = new CapabilityWalk(probe, CapabilityTable.Rules, DestinationContext);
            await first.SetAsync([.. names.Select(name => (name, true))], ct);
            await probe.FinishAsync(ct);
            await qemu.ExecuteAsync("migrate-incoming", new() { ["uri"] = "tcp:127.0.0.1:0" }, ct);
            probe = new RuleProbe(qemu, Watched.Settings);
            var walk = new CapabilityWalk(probe, CapabilityTable.Rules, DestinationContext with { Listening = true }, first.State);
            await walk.SetAsync([.. names.Select(name => (name, true))], ct);
            foreach (var name in Known(await probe.ReadAsync(ct)))
            {
                await walk.OnAsync(name, ct);
                await walk.OnAsync(name, ct);
                await walk.SetAsync([(name, false)], ct);
                await walk.SetAsync([.. names.Select(again => (again, true))], ct);
            }

            await probe.FinishAsync(ct);
        }
    }

    [MigrationTest("/migration/rules/capabilities/types")]
    public async Task What_is_no_capability_or_no_state_is_refused_whole(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        foreach (var (json, reason) in CapabilityTypes.Rows)
        {
            await probe.TryAsync("migrate-set-capabilities", JsonNode.Parse(json)!.AsObject(), [reason], ct);
        }

        foreach (var (json, on) in CapabilityTypes.Accepted)
        {
            await probe.TryAsync("migrate-set-capabilities", JsonNode.Parse(json)!.AsObject(), [],
                (_, now) => now.On.Contains("events") == on ? null : $"events is {(on ? "off" : "on")}", ct);
        }

        await probe.FinishAsync(ct);
    }

    // A and B together; A, then B; B, then A. With what each of them requires set in the same command, for else most pairs of some would only be refused.
    private static async Task TryPairsAsync(Processes.QemuProcess qemu, RuleContext context, CancellationToken ct, string? only = null)
    {
        var probe = new RuleProbe(qemu, Watched.Settings);
        var walk = new CapabilityWalk(probe, CapabilityTable.Rules, context);
        var names = Known(await probe.ReadAsync(ct));
        foreach (var name in names)
        {
            await walk.OnAsync(name, ct);
            await walk.OnAsync(name, ct);
            await walk.AllOffAsync(ct);
        }

        foreach (var (a, b) in from a in names from b in names where string.CompareOrdinal(a, b) < 0 && (only is null || a == only || b == only) select (a, b))
        {
            await walk.SetAsync([(a, true), (b, true)], ct);
            await walk.AllOffAsync(ct);
            var needed = CapabilityNeeds.Of(a, b).Where(names.Contains).Except([a, b]).ToList();
            if (needed.Count > 0)
            {
                await walk.SetAsync([(a, true), (b, true), .. needed.Select(name => (name, true))], ct);
                await walk.AllOffAsync(ct);
                await walk.SetAsync([.. needed.Select(name => (name, true))], ct);
            }

            await walk.OnAsync(a, ct);
            await walk.OnAsync(b, ct);
            await walk.SetAsync([(a, false)], ct);
            await walk.OnAsync(a, ct);
            await walk.AllOffAsync(ct);
        }

        // The same with the parameters that capabilities exclude.
        foreach (var name in only is null ? names : [only])
        {
            (string, bool)[] on = [(name, true), .. CapabilityNeeds.Of(name).Where(names.Contains).Select(needed => (needed, true))];
            foreach (var setAsync in new Func<bool, CancellationToken, Task>[] { walk.SetCompressionAsync, walk.SetTlsAsync })
            {
                await walk.SetAsync(on, ct);
                await setAsync(true, ct);
                await walk.AllOffAsync(ct);
                await setAsync(true, ct);
                await walk.SetAsync(on, ct);
                await walk.AllOffAsync(ct);
                await setAsync(false, ct);
            }
        }

        await probe.FinishAsync(ct);
    }

    private static async Task WalkAsync(Processes.QemuProcess qemu, RuleContext context, CancellationToken ct)
    {
        var probe = new RuleProbe(qemu, Watched.Settings);
        var walk = new CapabilityWalk(probe, CapabilityTable.Rules, context);
        var names = Known(await probe.ReadAsync(ct));
        var random = new Random(Seed);
        for (var step = 0; step < Steps; step++)
        {
            switch (random.Next(10))
            {
                case 0:
                    await walk.SetCompressionAsync(!walk.State.Compressed || random.Next(2) == 0, ct);
                    break;
                case 1:
                    await walk.SetTlsAsync(!walk.State.Tls || random.Next(2) == 0, ct);
                    break;
                case 2:
                    await walk.AllOffAsync(ct);
                    break;
                default:
                    await walk.SetAsync([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (names[random.Next(names.Count)], random.Next(3) > 0))], ct);
                    break;
            }

            if (walk.State is { Compressed: true } or { Tls: true } && random.Next(3) == 0)
            {
                await walk.SetAsync([.. names.Intersect(["mapped-ram", "zero-copy-send"]).Select(name => (name, false))], ct);
                await walk.SetCompressionAsync(false, ct);
                await walk.SetTlsAsync(false, ct);
            }
        }

        await probe.FinishAsync(ct);
    }

    private static List<string> Known(Settings settings) => [.. settings.Names.Intersect(CapabilityTable.Known.Select(known => known.Name))];
}
