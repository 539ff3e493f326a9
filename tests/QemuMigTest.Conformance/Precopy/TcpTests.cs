namespace QemuMigTest.Conformance.Precopy;

public sealed class TcpTests : MigrationFixture
{
    [MigrationTest("/migration/precopy/tcp/plain")]
    public async Task A_stopped_guest_moves_over_TCP(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/plain/switchover-ack"), RequiresCapability("switchover-ack")]
    public async Task A_running_guest_moves_when_the_destination_has_agreed_to_the_switchover(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.ReturnPath, MigrationCapability.SwitchoverAck] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
