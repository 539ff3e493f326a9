using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Postcopy;

public sealed class RecoveryTests : RecoveryFixture
{
    private const int Trickle = 1_000_000;
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

    [MigrationTest("/migration/postcopy/recovery/yank/source", false)]
    [MigrationTest("/migration/postcopy/recovery/yank/destination", true)]
    public Task Postcopy_survives_that_one_side_drops_its_channel(bool destination, CancellationToken ct) => YankAsync("", destination, ct);

    [MigrationTest("/migration/postcopy/preempt/recovery/yank/source", false)]
    [MigrationTest("/migration/postcopy/preempt/recovery/yank/destination", true)]
    [RequiresCapability("postcopy-preempt"), RequiresVersion(8, 0, Quirks.YankedPreemptMayCrash)]
    public Task Postcopy_survives_that_one_side_drops_both_channels(bool destination, CancellationToken ct) => YankAsync("postcopy-preempt", destination, ct);

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

    // What is on the wire when the second channel breaks is lost, and the source has taken it for sent.
    [MigrationTest("/migration/order/recovery/twice")]
    public async Task A_second_recovery_knows_of_what_was_lost_and_the_destination_of_its_last_address_alone(CancellationToken ct)
    {
        var migration = await LoseChannelAsync(new(), ct);
        var proxy = new ProxyChannel(Trickle);
        await migration.RecoverAsync(proxy, ct);
        await migration.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = 0 }, ct);
        await proxy.WaitForBytesAsync(Trickle / 10, Environment.Limits.Step, ct);
        proxy.Break();
        foreach (var side in new[] { migration.Source, migration.Destination })
        {
            await side.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: ct);
        }

        await migration.RecoverAsync(new ProxyChannel(), ct);
        (await migration.Destination.QueryMigrateAsync(ct)).SocketAddresses.Count.ShouldBeLessThanOrEqualTo(1, "addresses at which the destination says that it listens (socket-address): that of the second migrate-recover, while it does");
        await migration.CompleteAsync(ct);
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

    private async Task YankAsync(string capabilities, bool destination, CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(new() { Capabilities = MigrationCapability.Several(capabilities) }, ct);
        await migration.YankAsync(destination ? migration.Destination : migration.Source, ct);
        await RecoverAsync(migration, ct);
    }
}
