using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Conformance.Leaks;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Conformance.Order;
using QemuMigTest.Conformance.Streams;
using QemuMigTest.Guests;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot that is saved while its guest runs on: the stream has each page as it was when the snapshot began.</summary>
[RequiresCapability("background-snapshot"), RequiresUserfaultfd]
public sealed class BackgroundSnapshotTests : MigrationFixture
{
    // Slow enough for the guest to write to all of its pages before they are saved: each such page is saved first, and the guest waits for that.
    private const long Bandwidth = 60_000_000;

    // Most of the guest is not saved when it is cancelled.
    private const long Slow = 3_000_000;

    [MigrationTest("/migration/background-snapshot")]
    public Task The_stream_has_the_guest_as_it_was_when_the_snapshot_began(CancellationToken ct) => SaveAsync([], ct);

    // The region is in each of them.
    [MigrationTest("/migration/background-snapshot/blocks")]
    public Task The_stream_has_it_so_in_each_block_of_RAM(CancellationToken ct) => SaveAsync(RamBlockTests.NodesKiB, ct);

    [MigrationTest("/migration/background-snapshot/stopped")]
    public async Task A_guest_that_was_stopped_is_saved_and_stays_so(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB }, 0, ct);
        await pair.StopSourceAsync(ct);
        var before = await pair.Source.ReadGuestStateAsync(ct);
        var (channel, events) = (new StreamFileChannel(), pair.Source.EventPosition);
        await SaveAsync(pair, channel, events, _ => Task.CompletedTask, ct);
        var resumed = pair.Source.Process.Qmp.Events.Snapshot().Skip(events).Any(e => e.Name == "RESUME");
        if (Quirks.BackgroundSnapshotRuns(Environment.Source.Version))
        {
            resumed.ShouldBeTrue($"this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.BackgroundSnapshotRuns)} says it has");
            NoteFault(Quirks.BackgroundSnapshotRunsShown);
        }
        else
        {
            resumed.ShouldBeFalse("the guest was stopped when the snapshot began, and no cont came: there must be no RESUME");
            (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("paused", false), "the guest was stopped before the snapshot");
        }

        var saved = await LoadAsync(pair, channel, ct);
        saved.ShouldBe(before, "the guest stood still");
        if (resumed)
        {
            // The oracles let a guest go on that a test has stopped.
            await pair.Source.StopAsync(ct);
        }
    }

    [MigrationTest("/migration/background-snapshot/run-state/prelaunch")]
    public Task A_guest_that_was_reset_is_saved(CancellationToken ct) => SaveAsync(RunStateCause.Prelaunch, ct);

    [MigrationTest("/migration/background-snapshot/run-state/watchdog"), RequiresDevice("ib700")]
    public Task A_guest_that_a_watchdog_stopped_is_saved(CancellationToken ct) => SaveAsync(RunStateCause.Watchdog, ct);

    [MigrationTest("/migration/background-snapshot/run-state/guest-panicked"), RequiresDevice("pvpanic")]
    public Task A_guest_that_panicked_is_saved(CancellationToken ct) => SaveAsync(RunStateCause.Panicked, ct);

    [MigrationTest("/migration/background-snapshot/run-state/io-error"), RequiresDevice("virtio-blk-pci")]
    public async Task A_guest_whose_disk_failed_is_saved(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("shared").File("image");
        await System.IO.File.WriteAllBytesAsync(image, new byte[64 * VirtioDisk.SectorBytes], ct);
        await SaveAsync(new RunStateCause("io-error", VirtioDisk.Arguments(image, failsOnce: true), (pair, token) =>
        {
            var disk = new VirtioDisk(pair);
            disk.Start();
            return pair.StopSourceByDeviceAsync(_ => disk.BeginRead(VirtioDisk.FailingSectors[0], disk.Page(0), new byte[VirtioDisk.SectorBytes]), "BLOCK_IO_ERROR", token);
        }), ct);
    }

    [MigrationTest("/migration/background-snapshot/run-state/shutdown"), RequiresSourceVersion(8, 0, Quirks.SnapshotRunsStoppedGuests)]
    public Task A_guest_that_shut_down_is_saved(CancellationToken ct) => SaveAsync(RunStateCause.ShutDown, ct);

    // Memory is protected though nobody could have written to it, and so are pages that nobody has touched yet.
    [MigrationTest("/migration/background-snapshot/continued"), RequiresSourceVersion(8, 0, Quirks.SnapshotRunsStoppedGuests)]
    public async Task A_guest_that_goes_on_while_it_is_saved_is_saved_as_it_stood(CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), Bandwidth, ct);
        await pair.StopSourceAsync(ct);
        var (pages, before) = (new ChangedPages(pair), await pair.Source.ReadGuestStateAsync(ct));
        var (channel, events) = (new StreamFileChannel(), pair.Source.EventPosition);
        await SaveAsync(pair, channel, events, async token =>
        {
            await Poll.UntilAsync(pair.Source.Name, "pages of the snapshot", async query => (await pair.Source.QueryMigrateAsync(query)).RamTransferred > 0 ? pair : null, pair.Source.Process.LastSeen, Environment.Limits.Step, token);
            await pair.Source.ContinueAsync(token);
            pages.Change("after the snapshot had begun");
        }, ct);
        (await LoadAsync(pair, channel, ct, pages.ShouldBeAsThen)).ShouldBe(before, "the guest stood still when the snapshot began");
        // The oracles let a guest go on that a test has stopped.
        await pair.Source.StopAsync(ct);
    }

    // Nothing is left of the protection of memory, which a migration would ask for again.
    [MigrationTest("/migration/background-snapshot/migrated")]
    public async Task A_guest_that_was_saved_moves(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, SourceCapabilities = [MigrationCapability.BackgroundSnapshot], Convergence = Convergence.Allowed }, ct);
        await SaveAsync(pair, new StreamFileChannel(), pair.Source.EventPosition, _ => Task.CompletedTask, ct);
        await pair.Source.DisableAsync([MigrationCapability.BackgroundSnapshot], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    // Memory that is a device's, and of which it is told what has changed.
    [MigrationTest("/migration/background-snapshot/vga"), RequiresDevice("VGA")]
    public async Task The_stream_has_the_screen_as_it_was(CancellationToken ct)
    {
        const int At = 0x3a000;
        var arguments = new QemuCommandLine().With("-device", $"VGA,addr={VirtioDevice.Slot}");
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, Slow, ct);
        var (vga, memory) = (new VgaMemory(pair, VirtioDevice.Slot), new PciFunction(pair, VirtioDevice.Slot).BaseAddress(0) + At);
        vga.WriteLinear(At);
        var qtest = pair.Source.Process.QTest!;
        var then = qtest.Read(memory, VgaMemory.Written);
        var (channel, events) = (new StreamFileChannel(), pair.Source.EventPosition);
        await SaveAsync(pair, channel, events, async token =>
        {
            await pair.Source.WaitForEventAsync("RESUME", events, token);
            vga.WriteLinear(At);
            await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, token);
        }, ct);
        qtest.Read(memory, then.Length).ShouldNotBe(then, "source: what was drawn since");
        await LoadAsync(pair, channel, ct, destination => destination.Process.QTest!.Read(memory, then.Length).ShouldBe(then, "the VGA's memory, as it was when the snapshot began"));
    }

    // What is not plugged must not be looked at, nor protected; what is plugged, and nobody has touched, must be.
    [MigrationTest("/migration/background-snapshot/virtio-mem"), RequiresDevice("virtio-mem-pci")]
    public async Task The_stream_has_the_memory_that_is_plugged_with_gaps_as_it_was(CancellationToken ct)
    {
        const uint Untouched = 4;
        uint[] filled = [1, 3];
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = PluggableMemory.Arguments, DestinationArguments = PluggableMemory.Arguments }, Slow, ct);
        var memory = new PluggableMemory(pair);
        foreach (var block in filled.Append(Untouched))
        {
            await memory.PlugAsync(block, "before the snapshot", ct);
        }

        filled.ToList().ForEach(memory.Fill);

        var (then, channel, events) = (memory.Contents, new StreamFileChannel(), pair.Source.EventPosition);
        await SaveAsync(pair, channel, events, async token =>
        {
            await pair.Source.WaitForEventAsync("RESUME", events, token);
            foreach (var block in filled.Append(Untouched))
            {
                memory.Fill(block);
                memory.FillMiddle(block);
            }

            await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, token);
        }, ct);
        memory.Check();
        await LoadAsync(pair, channel, ct, destination => memory.Check(destination, then));
    }

    // The guest writes to all of its pages then, also those that were not saved yet, and the next snapshot protects them anew.
    [MigrationTest("/migration/background-snapshot/cancelled"), RequiresSourceVersion(8, 0, Quirks.CancelledSnapshotHangs)]
    public async Task A_guest_whose_snapshot_was_cancelled_runs_and_is_saved_by_the_next(CancellationToken ct)
    {
        var pair = await StartPairAsync(new(), Slow, ct);
        using var sink = new SinkServer(hangsUp: false);
        var events = pair.Source.EventPosition;
        await pair.Source.ExecuteAsync("migrate", new JsonObject { ["uri"] = sink.Uri }, ct);
        await pair.Source.WaitForEventAsync("RESUME", events, ct);
        await pair.Source.ExecuteAsync("migrate_cancel", null, ct);
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Cancelled, events, "migration status cancelled", ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest goes on");
        await VerifyAsync(pair, ct);
        await pair.Source.ContinueAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, ct);
        await SaveAsync(pair, ct);
    }

    private async Task SaveAsync(RunStateCause cause, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = cause.Arguments }, 0, ct);
        if (cause == RunStateCause.ShutDown && RunStateCause.MissesPowerOff(pair) is { } missing)
        {
            Skip(RunStateCause.PowerOffWanted, missing);
        }

        await cause.StopAsync(pair, ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState(cause.State, false));
        Task SaveItAsync() => SaveAsync(pair, new StreamFileChannel(), pair.Source.EventPosition, _ => Task.CompletedTask, ct);
        if (Quirks.BackgroundSnapshotAborts(Environment.Source.Version))
        {
            Release(pair);
            var ended = await Should.ThrowAsync<QemuExitedException>(SaveItAsync);
            ended.Status.Signal.ShouldBe((int)Signum.SIGABRT);
            // On the way there or back.
            ended.Stderr.ShouldContain("invalid runstate transition");
            ended.Stderr.ShouldContain($"'{cause.State}'");
            NoteFault($"a background snapshot of a guest that is stopped in {cause.State}: the source aborts, and the guest is lost");
            return;
        }

        await SaveItAsync();
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState(cause.State, false), "what stopped the guest is not what saved it");
    }

    private async Task SaveAsync(IReadOnlyList<int> nodesKiB, CancellationToken ct) => await SaveAsync(await StartPairAsync(new() { RamNodesKiB = nodesKiB }, Bandwidth, ct), ct);

    private static async Task SaveAsync(MigrationPair pair, CancellationToken ct)
    {
        var pages = new ChangedPages(pair);
        var before = await pair.Source.ReadGuestStateAsync(ct);
        var (channel, events) = (new StreamFileChannel(), pair.Source.EventPosition);
        await SaveAsync(pair, channel, events, async token =>
        {
            // It was stopped while its devices were saved, and memory is protected from then on.
            await pair.Source.WaitForEventAsync("RESUME", events, token);
            pages.Change("after the snapshot had begun");
        }, ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest runs on");
        var after = await pair.Source.ReadGuestStateAsync(ct);

        var saved = await LoadAsync(pair, channel, ct, pages.ShouldBeAsThen);
        saved.Pass.ShouldBeGreaterThanOrEqualTo(before.Pass, "the snapshot is not of an earlier guest");
        after.Pass.ShouldBeGreaterThan(saved.Pass, "the guest has gone on while it was saved");
    }

    private async Task<MigrationPair> StartPairAsync(PairOptions options, long bandwidth, CancellationToken ct)
    {
        var pair = await StartPairAsync(options with
        {
            SourceCapabilities = [MigrationCapability.BackgroundSnapshot],
            DestinationArguments = options.DestinationArguments.With("-S"),
        }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = bandwidth }, ct);
        return pair;
    }

    private static async Task SaveAsync(MigrationPair pair, StreamFileChannel channel, int events, Func<CancellationToken, Task> meanwhile, CancellationToken ct)
    {
        var fresh = ProcessResources.Read(pair.Source.Process.Child.Id)!;
        await pair.Source.ExecuteAsync("migrate", await channel.ConnectAsync(pair, ct), ct);
        await meanwhile(ct);
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, events, "migration status completed", ct);
        // No oracle knows of a migration that a test drives by itself.
        IReadOnlyList<string> left = [];
        await Poll.UntilAsync(pair.Source.Name, "the descriptors and threads of before the snapshot", _ =>
        {
            left = ProcessResources.Read(pair.Source.Process.Child.Id)?.DifferencesFrom(fresh) ?? [];
            return Task.FromResult(left.Count == 0 ? pair : null);
        }, () => string.Join(", ", left), pair.Environment.Limits.Command, ct);
    }

    private static async Task<GuestState> LoadAsync(MigrationPair pair, StreamFileChannel channel, CancellationToken ct, Action<MigrationSide>? check = null)
    {
        await pair.Destination.ExecuteAsync("migrate-incoming", await channel.ListenAsync(pair, ct), ct);
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, 0, "migration status completed", ct);
        var saved = await pair.Destination.ReadGuestStateAsync(ct);
        var memory = pair.MemoryModel.StartCheck(saved);
        await pair.Destination.Memory.ReadAsync(pair.Program.Settings.RegionStart, pair.Program.Settings.RegionSize, memory.Add, ct);
        var found = memory.End();
        found.IsIntact.ShouldBeTrue(found.Describe());
        check?.Invoke(pair.Destination);
        // It has a guest that nobody migrated to it.
        await pair.LoseAsync(pair.Destination, ct);
        return saved;
    }
}
