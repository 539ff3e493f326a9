using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot of the whole VM (snapshot-save) is loaded into memory that others have been written to meanwhile: all is as it was, pages that were zero among it.</summary>
[RequiresCommand("snapshot-save")]
public sealed class VmSnapshotTests : MigrationFixture
{
    [MigrationTest("/migration/snapshot/plain", "")]
    [MigrationTest("/migration/snapshot/mapped-ram", "mapped-ram")]
    public async Task A_guest_goes_back_to_what_it_was_when_it_was_saved([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartAsync(capabilities, ct);
        // It goes back in time, and writes markers that it has written before.
        Release(pair);
        var (snapshot, pages) = (new VmSnapshot(pair.Source), new ChangedPages(pair));
        if (await IsRefusedAsync(snapshot, capabilities, ct))
        {
            (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest runs on");
            return;
        }

        var saved = await pair.Source.ReadGuestStateAsync(ct);
        pages.Change("after the snapshot");
        await pair.Source.Serial.WaitForAsync('B', pair.Source.Serial.Position, ct);
        await snapshot.LoadAsync(ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest ran when it was saved, and when it was loaded");
        pages.ShouldBeAsThen(pair.Source);
        await pair.Source.Serial.WaitForAsync('B', pair.Source.Serial.Position, ct);
        await pair.Source.StopAsync(ct);
        var now = await pair.Source.ReadGuestStateAsync(ct);
        var check = pair.MemoryModel.StartCheck(now);
        await pair.Source.Memory.ReadAsync(pair.Program.Settings.RegionStart, pair.Program.Settings.RegionSize, check.Add, ct);
        var found = check.End();
        found.IsIntact.ShouldBeTrue($"saved in about pass {saved.Pass}, now: {found.Describe()}");
    }

    [MigrationTest("/migration/snapshot/stopped/plain", "")]
    [MigrationTest("/migration/snapshot/stopped/mapped-ram", "mapped-ram")]
    public async Task A_guest_that_is_stopped_goes_back_and_stays_stopped([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartAsync(capabilities, ct);
        await pair.StopSourceAsync(ct);
        var (snapshot, pages) = (new VmSnapshot(pair.Source), new ChangedPages(pair));
        if (await IsRefusedAsync(snapshot, capabilities, ct))
        {
            return;
        }

        pages.Change("after the snapshot");
        await snapshot.LoadAsync(ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("paused", false), "the guest was stopped when it was saved, and when it was loaded");
        if (capabilities == "mapped-ram" && Quirks.MappedSnapshotLeavesZeros(Environment.Source.Version))
        {
            Release(pair);
            var damage = pages.Damage(pair.Source);
            damage.Count(text => text.Contains("nobody had written to it, when all was saved, has what was written to it after that", StringComparison.Ordinal)).ShouldBe(damage.Count, "pages that were not zero are as they were");
            damage.ShouldNotBeEmpty($"this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.MappedSnapshotLeavesZeros)} says it has");
            NoteFault(Quirks.MappedSnapshotLeavesZerosShown);
            return;
        }

        pages.ShouldBeAsThen(pair.Source);
        pages.ExpectAsThen();
    }

    [MigrationTest("/migration/snapshot/failed", false), MigrationTest("/migration/snapshot/failed/stopped", true)]
    public async Task A_guest_is_as_before_when_it_could_not_be_saved_and_is_saved_when_it_can(bool stopped, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = await VmSnapshot.CreateFailingAsync(Session.Scratch.CreateChild("snapshot").File("image"), ct),
        }, ct);
        if (stopped)
        {
            await pair.StopSourceAsync(ct);
        }
        else
        {
            // Each time it is stopped and goes on, and nobody has told it to.
            Release(pair);
        }

        var (snapshot, before) = (new VmSnapshot(pair.Source), await pair.Source.QueryStatusAsync(ct));
        (await snapshot.SaveAsync(ct)).ShouldNotBeNull("the image cannot be written to").ShouldContain("Input/output error");
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(before, "nothing was saved, and the guest is as it was");
        (await snapshot.SaveAsync(ct)).ShouldBeNull("the image can be written to now");
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(before, "all was saved, and the guest is as it was");
        if (!stopped)
        {
            await pair.Source.Serial.WaitForAsync('B', pair.Source.Serial.Position, ct);
        }
    }

    [MigrationTest("/migration/snapshot/multifd"), RequiresCapability("multifd")]
    public async Task A_guest_is_not_saved_through_channels(CancellationToken ct)
    {
        var pair = await StartAsync("multifd", ct);
        var snapshot = new VmSnapshot(pair.Source);
        if (Quirks.MultifdSnapshotAborts(Environment.Source.Version))
        {
            Release(pair);
            var ended = await Should.ThrowAsync<QemuExitedException>(() => snapshot.SaveAsync(ct), "known, and to be taken out of docs/findings.md when it is refused");
            ended.Status.Signal.ShouldNotBeNull();
            NoteFault(Quirks.MultifdSnapshotAbortsShown);
            return;
        }

        (await snapshot.SaveAsync(ct)).ShouldNotBeNull("snapshot-save with multifd on").ShouldContain("not compatible with multifd");
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest runs on");
    }

    [MigrationTest("/migration/snapshot/again")]
    public async Task A_tag_that_is_there_is_not_saved_again(CancellationToken ct)
    {
        var pair = await StartAsync("", ct);
        await pair.StopSourceAsync(ct);
        var snapshot = new VmSnapshot(pair.Source);
        (await snapshot.SaveAsync(ct)).ShouldBeNull("snapshot-save");
        (await snapshot.SaveAsync(ct)).ShouldNotBeNull("snapshot-save of a tag that is there").ShouldContain("already exists");
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("paused", false), "the guest was stopped before");
        await snapshot.DeleteAsync(ct);
        (await snapshot.SaveAsync(ct)).ShouldBeNull("snapshot-save, when the tag is free again");
    }

    private async Task<MigrationPair> StartAsync(string capabilities, CancellationToken ct) => await StartPairAsync(new()
    {
        Capabilities = MigrationCapability.Several(capabilities),
        RegionMiB = PairOptions.SmallRegionMiB,
        // The end of the first is zero, and the second as a whole: the last pages of the third are the BIOS's.
        RamNodesKiB = RamBlockTests.NodesKiB,
        SourceArguments = await VmSnapshot.CreateAsync(Session.Scratch.CreateChild("snapshot").File("image"), ct),
    }, ct);

    private async Task<bool> IsRefusedAsync(VmSnapshot snapshot, string capabilities, CancellationToken ct)
    {
        var error = await snapshot.SaveAsync(ct);
        if (capabilities == "mapped-ram" && Quirks.MappedSnapshotFails(Environment.Source.Version))
        {
            error.ShouldNotBeNull().ShouldContain("Error while writing VM state");
            NoteRefusal(Quirks.MappedSnapshotFailsShown);
            return true;
        }

        error.ShouldBeNull("snapshot-save");
        return false;
    }
}
