using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Postcopy;

public sealed class RecoveryTests : RecoveryFixture
{
    private const string PauseWhileRecoveringSince = "migrate-pause is accepted while postcopy recovers since 8.2";

    [MigrationTest("/migration/postcopy/recovery/plain", "", false)]
    [MigrationTest("/migration/postcopy/recovery/tls/psk", "", true)]
    [MigrationTest("/migration/postcopy/preempt/recovery/plain", "postcopy-preempt", false)]
    [MigrationTest("/migration/postcopy/preempt/recovery/tls/psk", "postcopy-preempt", true)]
    public async Task Postcopy_survives_the_loss_of_its_channel([Capabilities] string capabilities, [UsesTls] bool tls, CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Tls = tls ? TlsSettings.Psk : null }, ct);
        await RecoverAsync(migration, ct);
    }

    [MigrationTest("/migration/postcopy/recovery/double-failures/handshake"), RequiresVersion(8, 2, PauseWhileRecoveringSince)]
    public async Task Postcopy_survives_a_recovery_that_nobody_answers(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new(), ct);
        await migration.RecoverAsync(new DeadChannel(sourceIsBroken: false), ct);
        await migration.Source.WaitForStatusAsync(MigrationStatus.PostcopyRecover, ct: ct);
        await migration.Destination.WaitForStatusAsync(MigrationStatus.PostcopyRecover, ct: ct);
        await migration.Source.PausePostcopyAsync(ct);
        await migration.Destination.PausePostcopyAsync(ct);
        await RecoverAsync(migration, ct);
    }

    [MigrationTest("/migration/postcopy/recovery/double-failures/reconnect"), RequiresVersion(8, 2, PauseWhileRecoveringSince)]
    public async Task Postcopy_survives_a_recovery_whose_channel_is_broken_from_the_start(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new(), ct);
        await migration.RecoverAsync(new DeadChannel(sourceIsBroken: true), ct);
        await migration.Source.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: ct);
        await migration.Destination.WaitForStatusAsync(MigrationStatus.PostcopyRecover, ct: ct);
        await migration.Destination.PausePostcopyAsync(ct);
        await RecoverAsync(migration, ct);
    }

    [MigrationTest("/migration/order/recovery/unreachable"), RequiresVersion(9, 1, "before, a source whose recovery finds nobody goes through no status")]
    public async Task A_recovery_that_finds_nobody_says_that_it_is_paused_again(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new(), ct);
        var from = migration.Source.EventPosition;
        using var scratch = migration.Pair.Scratch.CreateChild("missing");
        await migration.Source.ExecuteAsync("migrate", new() { ["uri"] = $"unix:{scratch.File("unix")}", ["resume"] = true }, ct);
        await migration.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.PostcopyPaused, from, $"migration status {MigrationStatus.PostcopyPaused}", ct);
        (await migration.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.PostcopyPaused);
        await RecoverAsync(migration, ct);
    }
}
