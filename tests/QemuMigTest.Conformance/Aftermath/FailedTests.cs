using System.Security.Cryptography;
using QemuMigTest.Conformance.Cancel;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Aftermath;

/// <summary>A migration that failed leaves nothing behind that the next one would stumble over.</summary>
public sealed class FailedTests : AftermathFixture
{
    [MigrationTest("/migration/aftermath/failed/lost/plain", "")]
    [MigrationTest("/migration/aftermath/failed/lost/return-path", "return-path")]
    [MigrationTest("/migration/aftermath/failed/lost/xbzrle", "xbzrle")]
    [MigrationTest("/migration/aftermath/failed/lost/multifd", "multifd")]
    [MigrationTest("/migration/aftermath/failed/lost/postcopy", "postcopy-ram")]
    public async Task The_guest_moves_after_a_destination_was_lost([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.LoseAsync(pair.Destination, ct);
        await migration.FailAsync("", DestinationEnd.Stays, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    [MigrationTest("/migration/aftermath/failed/lost/switchover/plain", "")]
    [MigrationTest("/migration/aftermath/failed/lost/switchover/return-path", "return-path")]
    [RequiresCapability("pause-before-switchover")]
    public async Task The_guest_moves_after_a_destination_was_lost_before_the_switchover([Capabilities] string capabilities, CancellationToken ct)
    {
        using var proxy = new ProxyChannel();
        var (pair, migration) = await LoseBeforeSwitchoverAsync(capabilities, proxy, stopped: false, ct);
        await migration.FailAsync("", DestinationEnd.Stays, ct);
        // A failed migration says so before it gives the guest back.
        await pair.Source.WaitForEventAsync("RESUME", migration.SourceEvents, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    // No page is left to be sent then: all that fails is the end.
    [MigrationTest("/migration/aftermath/failed/lost/switchover/stopped/plain", "")]
    [MigrationTest("/migration/aftermath/failed/lost/switchover/stopped/return-path", "return-path")]
    [RequiresCapability("pause-before-switchover")]
    public async Task A_stopped_guest_moves_after_a_destination_was_lost_before_the_switchover([Capabilities] string capabilities, CancellationToken ct)
    {
        using var proxy = new ProxyChannel();
        var (pair, failed) = await LoseBeforeSwitchoverAsync(capabilities, proxy, stopped: true, ct);
        await failed.FailAsync("", DestinationEnd.Stays, ct);
        await VerifyAsync(pair, ct);
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/aftermath/failed/yank/source/plain", false)]
    [MigrationTest("/migration/aftermath/failed/yank/destination/plain", true)]
    public Task The_guest_moves_after_one_side_has_dropped_its_connection(bool destination, CancellationToken ct) => YankAsync("", destination, ct);

    [MigrationTest("/migration/aftermath/failed/yank/source/multifd", false)]
    [MigrationTest("/migration/aftermath/failed/yank/destination/multifd", true)]
    [RequiresCapability("multifd"), RequiresVersion(8, 0, Quirks.YankedMultifdHangs)]
    public Task The_guest_moves_after_one_side_has_dropped_its_channels(bool destination, CancellationToken ct) => YankAsync("multifd", destination, ct);

    [MigrationTest("/migration/aftermath/failed/unreachable/plain", "")]
    [MigrationTest("/migration/aftermath/failed/unreachable/multifd", "multifd")]
    [MigrationTest("/migration/aftermath/failed/unreachable/postcopy", "postcopy-ram")]
    public async Task The_guest_moves_after_nobody_was_there([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(new MissingSocketChannel(), ct);
        await migration.FailAsync("No such file or directory", DestinationEnd.Stays, ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    // Refused with the reason, at once.
    [MigrationTest("/migration/aftermath/failed/unreachable/file"), RequiresArgument("migrate", "channels", "file")]
    public async Task The_guest_moves_after_a_file_could_not_be_made(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.Source.ExecuteAsync("migrate", new() { ["uri"] = $"file:{pair.Scratch.File("missing")}/file" }, ct));
        refusal.Description.ShouldContain("No such file or directory");
        (await pair.Source.QueryStatusAsync(ct)).Name.ShouldBe("running", "the source goes on after a migration that came to nothing");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    // A source takes it also when its migration has failed.
    [MigrationTest("/migration/aftermath/failed/start-postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_switch_to_postcopy_that_came_too_late_is_not_one_of_the_next_migration(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam], RegionMiB = PairOptions.HeldFastRegionMiB, Convergence = Convergence.HeldFast }, ct);
        var failed = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await failed.WaitForPageSentAsync(ct);
        await pair.LoseAsync(pair.Destination, ct);
        await failed.FailAsync("", DestinationEnd.Stays, ct);
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPassAsync(3, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "nobody has told this migration to switch to postcopy");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        pair.Source.Process.Qmp.Events.Skip(migration.SourceEvents).Select(MigrationSide.StatusOf).ShouldNotContain(MigrationStatus.PostcopyActive);
    }

    // The destination lacks a device, and says so when the source has given its disks up.
    [MigrationTest("/migration/aftermath/failed/device"), RequiresDevice("virtio-blk-pci"), RequiresDevice("virtio-rng-pci"), RequiresCapability("return-path")]
    public async Task A_source_has_all_of_its_disks_after_a_failure_in_the_switchover(CancellationToken ct)
    {
        var (pair, driven) = await FailInSwitchoverAsync(stopped: false, ct);
        await VerifyAsync(pair, ct);
        await pair.Source.ContinueAsync(ct);
        foreach (var disk in driven)
        {
            disk.BeginWrite(1, disk.Page(0), RandomNumberGenerator.GetBytes(VirtioDisk.SectorBytes));
            await disk.WaitAsync("after the failure", ct);
        }
    }

    // The oracle of disks sees it: whose guest is stopped has them as well.
    [MigrationTest("/migration/aftermath/failed/device/stopped"), RequiresSourceVersion(8, 0, Quirks.UnansweredIsPostMigrate)]
    [RequiresDevice("virtio-blk-pci"), RequiresDevice("virtio-rng-pci"), RequiresCapability("return-path")]
    public Task A_source_that_is_stopped_has_all_of_its_disks_after_a_failure_in_the_switchover(CancellationToken ct) => FailInSwitchoverAsync(stopped: true, ct);

    private async Task<(MigrationPair Pair, MigrationRun Migration)> LoseBeforeSwitchoverAsync(string capabilities, ProxyChannel proxy, bool stopped, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = [.. MigrationCapability.Several(capabilities), MigrationCapability.PauseBeforeSwitchover],
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
        }, ct);
        if (stopped)
        {
            await pair.StopSourceAsync(ct);
        }

        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.LoseBeforeSwitchoverAsync(proxy, ct);
        return (pair, migration);
    }

    private async Task YankAsync(string capabilities, bool destination, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        try
        {
            await (destination ? pair.Destination : pair.Source).YankAsync(ct);
        }
        catch (QemuExitedException) when (destination)
        {
            // It may end before it has replied; with which code is seen below.
        }

        await migration.FailAsync("", DestinationEnd.Exits(), ct);
        await MoveAfterwardsAsync(pair, MigrationChannel.Unix, ct);
    }

    private async Task<(MigrationPair Pair, IReadOnlyList<VirtioDisk> Disks)> FailInSwitchoverAsync(bool stopped, CancellationToken ct)
    {
        const uint Count = 2;
        var scratch = Session.Scratch.CreateChild("shared");
        var disks = new QemuCommandLine();
        for (uint number = 0; number < Count; number++)
        {
            var image = scratch.File($"image{number}");
            await System.IO.File.WriteAllBytesAsync(image, new byte[64 * VirtioDisk.SectorBytes], ct);
            disks = disks.With(VirtioDisk.Arguments(image, number: number).Arguments);
        }

        var pair = await StartPairAsync(new()
        {
            Capabilities = [new("return-path")],
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = disks.With("-device", $"virtio-rng-pci,addr={VirtioDevice.Slot + Count},disable-legacy=on"),
            DestinationArguments = disks,
        }, ct);
        var driven = Enumerable.Range(0, (int)Count).Select(number => new VirtioDisk(pair, (uint)number)).ToList();
        driven.ForEach(disk => disk.Start());
        if (stopped)
        {
            await pair.StopSourceAsync(ct);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.FailAsync("", DestinationEnd.Exits("virtio-rng"), ct);
        return (pair, driven);
    }
}
