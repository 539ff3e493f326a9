namespace QemuMigTest.Conformance.Cpr;

/// <summary>CPR: a running guest gets another QEMU, and its RAM stays where it is. Upstream runs transfer and exec with KVM alone; they need no accelerator.</summary>
public sealed class CprTests : MigrationFixture
{
    [MigrationTest("/migration/mode/reboot"), RequiresArgument("migrate-set-parameters", "mode", "cpr-reboot"), RequiresSharedMemory]
    public async Task A_guest_moves_through_a_file_that_has_no_RAM_in_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Mode = MigrationMode.CprReboot,
            Ram = GuestRam.SharedFile,
            Capabilities = [MigrationCapability.IgnoreShared],
        }, ct);
        var ram = KeptRam.Of(pair.Source);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    // In this mode it is stopped before anything is sent.
    [MigrationTest("/migration/mode/reboot/failed", false), MigrationTest("/migration/mode/reboot/cancelled", true)]
    [RequiresArgument("migrate-set-parameters", "mode", "cpr-reboot"), RequiresCapability("pause-before-switchover"), RequiresSharedMemory]
    public async Task A_guest_runs_again_after_a_migration_into_a_file_s_RAM_came_to_nothing(bool cancelled, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Mode = MigrationMode.CprReboot,
            Ram = GuestRam.SharedFile,
            // With a return path: without one no source knows of a destination that is gone, whose sockets still take what is sent (docs/findings.md).
            Capabilities = [MigrationCapability.IgnoreShared, MigrationCapability.ReturnPath],
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        var ram = KeptRam.Of(pair.Source);
        var nothing = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await nothing.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        if (cancelled)
        {
            await nothing.CancelAsync(DestinationEnd.Exits(), ct);
        }
        else
        {
            await pair.LoseAsync(pair.Destination, ct);
            await nothing.ContinueFromPreSwitchoverAsync(ct);
            await nothing.FailAsync("", DestinationEnd.Stays, ct);
        }

        (await pair.Source.QueryStatusAsync(ct)).Name.ShouldBe("running", "the source goes on after a migration that came to nothing");
        await VerifyAsync(pair, ct);
        await pair.StartAnotherDestinationAsync(ct);
        await pair.Source.ContinueAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    // pause-before-switchover: without it the destination may be done before its monitor can say so.
    [MigrationTest("/migration/mode/transfer"), RequiresArgument("migrate-set-parameters", "mode", "cpr-transfer"), RequiresDestinationSince(10, 1, Quirks.CprStateHasVfio)]
    public async Task A_guest_moves_to_a_QEMU_that_is_handed_its_RAM(CancellationToken ct)
    {
        var pair = await StartPairAsync(Transfer with { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover] }, ct);
        var ram = KeptRam.Of(pair.Source);
        var migration = await pair.MigrateAsync(new CprTransferChannel(deferred: false), ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    [MigrationTest("/migration/mode/transfer/defer"), RequiresArgument("migrate-set-parameters", "mode", "cpr-transfer"), RequiresDestinationSince(10, 1, Quirks.CprStateHasVfio)]
    public async Task A_guest_moves_to_a_QEMU_that_is_handed_its_RAM_and_told_later_where_to_listen(CancellationToken ct)
    {
        var pair = await StartPairAsync(Transfer, ct);
        var ram = KeptRam.Of(pair.Source);
        var migration = await pair.MigrateAsync(new CprTransferChannel(deferred: true), ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    // The peer has taken what it is handed, and waits before it listens for the migration.
    [MigrationTest("/migration/mode/transfer/cancelled"), RequiresArgument("migrate-set-parameters", "mode", "cpr-transfer"), RequiresDestinationSince(10, 1, Quirks.CprStateHasVfio)]
    public async Task A_guest_moves_after_a_cancel_while_its_source_waits_for_a_QEMU_that_was_handed_its_RAM(CancellationToken ct)
    {
        var pair = await StartPairAsync(Transfer, ct);
        var ram = KeptRam.Of(pair.Source);
        using var peer = new CprPeer(pair.Scratch.CreateChild("peer"));
        var from = pair.Source.EventPosition;
        await pair.Source.ExecuteAsync("migrate", peer.Channels, ct);
        await peer.AcceptAsync(ct);
        await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Cancelled, from, $"migration status {MigrationStatus.Cancelled}", ct);
        await peer.HungUpOnAsync(pair.Source, ct);
        var migration = await pair.MigrateAsync(new CprTransferChannel(deferred: true), ct);
        // What the first peer does then is nothing to the second migration.
        peer.Dispose();
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    [MigrationTest("/migration/mode/exec"), RequiresArgument("migrate-set-parameters", "mode", "cpr-exec")]
    public async Task A_guest_stays_in_its_process_which_executes_another_QEMU(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Mode = MigrationMode.CprExec, Ram = GuestRam.Memfd }, ct);
        var ram = KeptRam.Of(pair.Source);
        var file = new FileChannel();
        var migration = await pair.MigrateAsync(file, ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, new FileInfo(file.FilePath).Length);
    }

    private static PairOptions Transfer => new() { Mode = MigrationMode.CprTransfer, Ram = GuestRam.Memfd };
}
