using QemuMigTest.Conformance.Rules;

namespace QemuMigTest.Conformance.Drills;

/// <summary>Wrong rows in the tables of rules, and settings that change unasked, are named.</summary>
public sealed class RuleDrills : RuleFixture
{
    [Test, DrillLimit]
    public async Task A_pair_that_is_declared_refused_and_is_accepted_is_named(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        var walk = new CapabilityWalk(probe, [.. CapabilityTable.Rules, CapabilityRule.Excludes("multifd", "validate-uuid", "multifd", "validate-uuid")], SourceContext);
        await walk.SetAsync([("multifd", true), ("validate-uuid", true)], ct);
        await walk.SetAsync([("multifd", false)], ct);
        var message = await FindingsAsync(probe, ct);
        message.ShouldContain("1 of 2 commands did not go as the table says");
        message.ShouldContain("should be refused: multifd excludes validate-uuid (an error of class GenericError that names \"multifd\", \"validate-uuid\"); it was accepted");
    }

    [Test, DrillLimit]
    public async Task A_pair_that_is_declared_accepted_and_is_refused_is_named(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        var walk = new CapabilityWalk(probe, [], SourceContext);
        await walk.SetAsync([("postcopy-ram", true), ("x-ignore-shared", true)], ct);
        (await FindingsAsync(probe, ct)).ShouldContain("should be accepted; it was refused: GenericError: Postcopy is not compatible with ignore-shared");
    }

    [Test, DrillLimit]
    public async Task A_refusal_for_another_reason_is_named(CancellationToken ct)
    {
        var probe = new RuleProbe(await StartSourceAsync(ct), Watched.Settings);
        var walk = new CapabilityWalk(probe, [CapabilityRule.Excludes("postcopy-ram", "x-ignore-shared", "weather")], SourceContext);
        await walk.SetAsync([("postcopy-ram", true), ("x-ignore-shared", true)], ct);
        (await FindingsAsync(probe, ct)).ShouldContain("that names \"weather\"); it was refused with GenericError: Postcopy is not compatible");
    }

    [Test, DrillLimit]
    public async Task A_parameter_that_changes_with_a_refused_command_is_named(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        var probe = new RuleProbe(qemu, Watched.Settings);
        await probe.ReadAsync(ct);
        await qemu.ExecuteAsync("migrate-set-parameters", new() { ["announce-max"] = 551 }, ct);
        await probe.TryAsync("migrate-set-parameters", new() { ["announce-step"] = 0 }, [new("announce-step is at least 1", "announce-step")], ct);
        (await FindingsAsync(probe, ct)).ShouldContain("but parameters changed: announce-max from 550 to 551");
    }

    [Test, DrillLimit]
    public async Task A_run_state_that_changes_meanwhile_is_named(CancellationToken ct)
    {
        var qemu = await StartSourceAsync(ct);
        var probe = new RuleProbe(qemu, Watched.Settings);
        await probe.ReadAsync(ct);
        await qemu.ExecuteAsync("cont", null, ct);
        await probe.TryAsync("migrate-set-parameters", [], [], ct);
        (await FindingsAsync(probe, ct)).ShouldContain("query-status went from");
    }

    [Test, DrillLimit]
    public async Task A_probe_that_tried_nothing_has_failed(CancellationToken ct) =>
        (await FindingsAsync(new RuleProbe(await StartSourceAsync(ct), Watched.All), ct)).ShouldBe("source: no row of the table was tried");

    [Test]
    public void Every_pair_that_goes_together_is_in_a_row()
    {
        var rows = PairTable.Rows(Environment.Source.MigrationCapabilities, SourceContext);
        foreach (var (a, b) in from a in rows.SelectMany(row => row).Distinct() from b in rows.SelectMany(row => row).Distinct() where string.CompareOrdinal(a, b) < 0 select (a, b))
        {
            var together = RuleState.AllOff.With(CapabilityNeeds.Of(a, b).Concat([a, b]).Select(name => (name, true)));
            var isRefused = CapabilityRule.Broken(CapabilityTable.Rules, RuleState.AllOff, together, SourceContext).Count > 0
                || PairTable.NotMigrated.Any(pair => pair.Versions.Includes(Environment.Source.Version) && pair.IsIn(together.On));
            rows.Any(row => row.Contains(a) && row.Contains(b)).ShouldBe(!isRefused, $"{a} with {b}");
        }
    }

    [Test]
    public void What_needs_something_that_is_missing_is_left_out_with_it() =>
        PairTable.Without(["multifd", "postcopy-ram", "postcopy-preempt", "zero-copy-send"], ["postcopy-ram"]).ShouldBe(["multifd", "zero-copy-send"]);

    private static async Task<string> FindingsAsync(RuleProbe probe, CancellationToken ct) => (await Should.ThrowAsync<RuleException>(() => probe.FinishAsync(ct))).Message;
}
