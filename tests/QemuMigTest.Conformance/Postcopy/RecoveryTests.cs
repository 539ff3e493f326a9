using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Postcopy;

[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class RecoveryTests : MigrationFixture
{
    private const string PauseWhileRecoveringSince = "migrate-pause is accepted while postcopy recovers since 8.2";
    private const int SlowestPostcopy = 4096;

    [MigrationTest("/migration/postcopy/recovery/plain")]
    public async Task Postcopy_survives_the_loss_of_its_channel(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(ct);
        await RecoverAsync(migration, ct);
    }

    [MigrationTest("/migration/postcopy/recovery/double-failures/handshake"), RequiresVersion(8, 2, PauseWhileRecoveringSince)]
    public async Task Postcopy_survives_a_recovery_that_nobody_answers(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(ct);
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
        var migration = await LoseChannelAsync(ct);
        await migration.RecoverAsync(new DeadChannel(sourceIsBroken: true), ct);
        await migration.Source.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: ct);
        await migration.Destination.WaitForStatusAsync(MigrationStatus.PostcopyRecover, ct: ct);
        await migration.Destination.PausePostcopyAsync(ct);
        await RecoverAsync(migration, ct);
    }

    private async Task<MigrationRun> LoseChannelAsync(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam, MigrationCapability.PostcopyBlocktime] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await migration.PauseAsync(ct);
        return migration;
    }

    private static async Task RecoverAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.RecoverAsync(MigrationChannel.Unix, ct);
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
