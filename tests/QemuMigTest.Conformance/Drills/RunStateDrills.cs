using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

/// <summary>The guest's run state changes behind the framework's back while it moves: as if it had been lost on the way.</summary>
public sealed class RunStateDrills : DrillFixture
{
    [Test, DrillLimit]
    public async Task A_guest_that_arrives_in_another_run_state_is_found(CancellationToken ct)
    {
        var migration = await StartOfPausedGuestAsync(Environment, ct);
        await migration.AllowConvergenceAsync(ct);
        (await Should.ThrowAsync<QemuMigTestException>(() => migration.CompleteAsync(ct))).Message.ShouldBe("destination: the guest left the source in run state paused; query-status says prelaunch");
    }

    [Test, DrillLimit]
    public async Task A_source_that_is_in_another_run_state_after_a_cancel_is_found(CancellationToken ct)
    {
        var migration = await StartOfPausedGuestAsync(Environment with { Limits = Environment.Limits with { Command = TimeSpan.FromSeconds(3) } }, ct);
        var error = await Should.ThrowAsync<WaitTimeoutException>(() => migration.CancelAsync(DestinationEnd.Exits(), ct));
        error.Message.ShouldContain("run state paused, in which its guest was before migration 1, which ended as Cancelled");
        error.Message.ShouldContain("prelaunch");
    }

    private async Task<MigrationRun> StartOfPausedGuestAsync(MigrationEnvironment environment, CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct, environment);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.CauseAsync("system_reset", "RESET", ct);
        return migration;
    }
}
