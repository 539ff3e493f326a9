using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Conformance.Streams;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Snapshot;

/// <summary>A snapshot that is saved while its guest runs on: the stream has each page as it was when the snapshot began.</summary>
[RequiresCapability("background-snapshot"), RequiresUserfaultfd]
public sealed class BackgroundSnapshotTests : MigrationFixture
{
    // Slow enough for the guest to write to all of its pages before they are saved: each such page is saved first, and the guest waits for that.
    private const long Bandwidth = 60_000_000;

    [MigrationTest("/migration/background-snapshot")]
    public Task The_stream_has_the_guest_as_it_was_when_the_snapshot_began(CancellationToken ct) => SaveAsync([], ct);

    // The region is in each of them.
    [MigrationTest("/migration/background-snapshot/blocks")]
    public Task The_stream_has_it_so_in_each_block_of_RAM(CancellationToken ct) => SaveAsync(RamBlockTests.NodesKiB, ct);

    private async Task SaveAsync(IReadOnlyList<int> nodesKiB, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RamNodesKiB = nodesKiB,
            SourceCapabilities = [new("background-snapshot")],
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-bandwidth"] = Bandwidth }, ct);
        var before = await pair.Source.ReadGuestStateAsync(ct);
        var channel = new StreamFileChannel();
        var events = pair.Source.EventPosition;
        await pair.Source.ExecuteAsync("migrate", await channel.ConnectAsync(pair, ct), ct);
        await pair.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, events, "migration status completed", ct);
        (await pair.Source.QueryStatusAsync(ct)).ShouldBe(new RunState("running", true), "the guest runs on");
        var after = await pair.Source.ReadGuestStateAsync(ct);

        await pair.Destination.ExecuteAsync("migrate-incoming", await channel.ListenAsync(pair, ct), ct);
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, 0, "migration status completed", ct);
        var saved = await pair.Destination.ReadGuestStateAsync(ct);
        saved.Pass.ShouldBeGreaterThanOrEqualTo(before.Pass, "the snapshot is not of an earlier guest");
        after.Pass.ShouldBeGreaterThan(saved.Pass, "the guest has gone on while it was saved");
        var check = pair.MemoryModel.StartCheck(saved);
        await pair.Destination.Memory.ReadAsync(pair.Program.Settings.RegionStart, pair.Program.Settings.RegionSize, check.Add, ct);
        var found = check.End();
        found.IsIntact.ShouldBeTrue(found.Describe());
        // It has a guest that nobody migrated to it.
        await pair.LoseAsync(pair.Destination, ct);
    }
}
