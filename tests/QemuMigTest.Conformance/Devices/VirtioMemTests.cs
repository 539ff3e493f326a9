namespace QemuMigTest.Conformance.Devices;

/// <summary>Memory that the guest has plugged by a virtio-mem, with gaps: what is plugged is there on the destination, and what is not is empty.</summary>
[RequiresDevice("virtio-mem-pci")]
public sealed class VirtioMemTests : MigrationFixture
{
    private const uint LaterBlock = 0;
    private static readonly uint[] Plugged = [1, 3, 4];
    private static readonly uint[] Unplugged = [0, 2, 5];

    // Was plugged, and written to.
    private const uint GivenUp = 2;

    [MigrationTest("/migration/devices/virtio-mem")]
    public Task Memory_that_is_plugged_with_gaps_comes_along(CancellationToken ct) => MoveAsync([], migration => migration.AllowConvergenceAsync(ct), ct);

    [MigrationTest("/migration/devices/virtio-mem/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public Task Memory_that_is_plugged_with_gaps_comes_along_by_postcopy(CancellationToken ct) => MoveAsync([MigrationCapability.PostcopyRam], migration => migration.StartPostcopyAsync(ct), ct);

    [MigrationTest("/migration/devices/virtio-mem/cancelled")]
    public async Task Memory_is_plugged_again_once_the_migration_is_cancelled(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { UnsentBytes = PluggableMemory.Blocks * PluggableMemory.BlockBytes, SourceArguments = PluggableMemory.Arguments, DestinationArguments = PluggableMemory.Arguments }, ct);
        var memory = new PluggableMemory(pair);
        await memory.PlugAsync(Plugged[0], "before the migration", ct);
        memory.Fill(Plugged[0]);
        var cancelled = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await cancelled.WaitForPageSentAsync(ct);
        await memory.SeePlugRefusedAsync(Plugged[1], "in a migration", ct);
        await cancelled.CancelAsync(DestinationEnd.Exits(), ct);
        await memory.PlugAsync(Plugged[1], "when the migration was cancelled", ct);
        memory.Fill(Plugged[1]);
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        memory.Check();
    }

    private async Task MoveAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationRun, Task> switchOver, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = capabilities,
            UnsentBytes = Unplugged.Length * PluggableMemory.BlockBytes,
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
            SourceArguments = PluggableMemory.Arguments,
            DestinationArguments = PluggableMemory.Arguments,
        }, ct);
        var memory = new PluggableMemory(pair);
        foreach (var block in Plugged.Append(GivenUp))
        {
            await memory.PlugAsync(block, "before the migration", ct);
            memory.Fill(block);
        }

        await memory.UnplugAsync(GivenUp, "before the migration", ct);
        memory.PluggedBytes.ShouldBe((ulong)Plugged.Length * PluggableMemory.BlockBytes, "what is plugged before the migration");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        // Of what was sent some is not any more what it was.
        memory.Fill(Plugged[^1]);
        var driven = memory.Device.Describe();
        await switchOver(migration);
        await migration.CompleteAsync(ct);

        memory.Check();
        memory.Device.Describe().ShouldBe(driven, "the device should be driven as it was");
        memory.PluggedBytes.ShouldBe((ulong)Plugged.Length * PluggableMemory.BlockBytes, "what is plugged after the migration");
        foreach (var block in Plugged)
        {
            (await memory.IsPluggedAsync(block, ct)).ShouldBeTrue($"whether block {block} is plugged, which was before the migration");
        }

        foreach (var block in Unplugged)
        {
            (await memory.IsPluggedAsync(block, ct)).ShouldBeFalse($"whether block {block} is plugged, which was not before the migration");
        }

        await memory.PlugAsync(LaterBlock, "after the migration", ct);
        memory.Fill(LaterBlock);
        await memory.UnplugAsync(Plugged[0], "after the migration", ct);
        memory.Check();
    }
}
