namespace QemuMigTest.Conformance.Drills;

public sealed class TwoRunnersDrills : DrillFixture
{
    [Test, DrillLimit]
    public async Task A_source_that_runs_again_after_the_switchover_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Source.ContinueAsync(ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[one side runs] source: it resumed at");
        findings.ShouldContain("[one side runs] source: its run state should be postmigrate; query-status says running (running)");
    }

    [Test, DrillLimit]
    public async Task A_destination_that_resumed_before_the_source_had_stopped_for_good_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Source.ContinueAsync(ct);
        await pair.Source.StopAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[one side runs] destination: it resumed at");
    }
}
