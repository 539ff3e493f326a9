using QemuMigTest.Conformance.Postcopy;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>A postcopy that is paused and recovered 20 times: both sides' descriptors, threads and memory stay as they were.</summary>
public sealed class RepeatedRecoveryTests : RecoveryFixture
{
    // Not with postcopy-preempt: the destination may crash (docs/findings.md).
    [MigrationTest("/migration/leaks/recovery/plain"), RequiresVersion(8, 2, Quirks.RecoveriesMayCrash)]
    public async Task Recoveries_leave_nothing(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new(), ct);
        await LeakFixture.RepeatAsync([migration.Source.Process, migration.Destination.Process], async _ =>
        {
            await migration.RecoverAsync(MigrationChannel.Tcp, ct);
            await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
            await migration.PauseAsync(ct);
        }, ct);
        await RecoverAsync(migration, ct);
    }
}
