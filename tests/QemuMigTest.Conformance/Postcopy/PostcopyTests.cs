using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Postcopy;

[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class PostcopyTests : MigrationFixture
{
    [MigrationTest("/migration/postcopy/plain", false)]
    [MigrationTest("/migration/postcopy/tls/psk", true)]
    public Task The_guest_runs_on_the_destination_while_its_memory_follows([UsesTls] bool tls, CancellationToken ct) => MoveAsync([MigrationCapability.PostcopyRam], tls, ct);

    [MigrationTest("/migration/postcopy/preempt/plain", false)]
    [MigrationTest("/migration/postcopy/preempt/tls/psk", true)]
    [RequiresCapability("postcopy-preempt")]
    public Task Pages_that_the_guest_waits_for_come_over_a_channel_of_their_own([UsesTls] bool tls, CancellationToken ct) =>
        MoveAsync([MigrationCapability.PostcopyRam, MigrationCapability.PostcopyPreempt], tls, ct);

    [MigrationTest("/migration/postcopy/suspend"), RequiresVersion(9, 0, "a suspended guest keeps its run state since 9.0")]
    public async Task A_suspended_guest_wakes_up_on_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], GuestSuspends = true }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
        await pair.WakeUpAsync(ct);
    }

    private async Task MoveAsync(IReadOnlyList<MigrationCapability> capabilities, bool tls, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [.. capabilities, MigrationCapability.PostcopyBlocktime], Tls = tls ? TlsSettings.Psk : null }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);

        var destination = await pair.Destination.QueryMigrateAsync(ct);
        destination.Raw.TryGetProperty("postcopy-blocktime", out _).ShouldBeTrue("postcopy-blocktime is on, so query-migrate must give it");
        destination.Raw.TryGetProperty("postcopy-vcpu-blocktime", out _).ShouldBeTrue("postcopy-blocktime is on, so query-migrate must give it for each vCPU");
    }
}
