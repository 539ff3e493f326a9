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
}
