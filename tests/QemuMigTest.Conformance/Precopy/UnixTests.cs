using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Precopy;

public sealed class UnixTests : MigrationFixture
{
    private const string SuspendedSince = "a suspended guest keeps its run state since 9.0";

    [MigrationTest("/migration/precopy/unix/plain")]
    public async Task A_running_guest_moves_over_a_Unix_socket(CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/unix/xbzrle"), RequiresCapability("xbzrle")]
    public async Task Only_what_changed_in_a_page_is_sent_again(CancellationToken ct)
    {
        // The cache holds the whole guest, so that each page is found in it on the second pass.
        var pair = await StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.Xbzrle],
            SourceParameters = XbzrleCache.For("xbzrle"),
            Convergence = Convergence.HeldFast,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(3, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        migration.Result!.Raw.GetProperty("xbzrle-cache").GetProperty("pages").GetInt64().ShouldBePositive("xbzrle is on and pages were sent again, so some must have been encoded");
    }

    [MigrationTest("/migration/precopy/unix/suspend/live"), RequiresVersion(9, 0, SuspendedSince)]
    public async Task A_suspended_guest_moves_and_wakes_up_on_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { GuestSuspends = true }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await pair.WakeUpAsync(ct);
    }

    [MigrationTest("/migration/precopy/unix/suspend/notlive"), RequiresVersion(9, 0, SuspendedSince)]
    public async Task A_suspended_guest_that_was_stopped_wakes_up_on_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { GuestSuspends = true, Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        await pair.WakeUpAsync(ct);
    }
}
