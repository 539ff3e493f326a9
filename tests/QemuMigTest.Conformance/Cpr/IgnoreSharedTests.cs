using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Cpr;

[RequiresCapability("x-ignore-shared")]
public sealed class IgnoreSharedTests : MigrationFixture
{
    // Held at 3 MB/s: what has no RAM to send completes all the same.
    [MigrationTest("/migration/ignore-shared"), RequiresSharedMemory]
    public async Task RAM_that_both_sides_share_is_not_sent(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Ram = GuestRam.SharedFile, Capabilities = [MigrationCapability.IgnoreShared] }, ct);
        var ram = KeptRam.Of(pair.Source);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        ram.ShouldHaveMovedTo(pair.Destination, migration.Result!.RamTransferred!.Value);
    }

    // share=on by itself says that others could map it; only a file by its name can be what the destination has too, and only with share=on.
    [MigrationTest("/migration/ignore-shared/own/memfd", GuestRam.Memfd)]
    [MigrationTest("/migration/ignore-shared/own/anonymous", GuestRam.SharedAnonymous)]
    [MigrationTest("/migration/ignore-shared/own/private-file", GuestRam.PrivateFile)]
    [RequiresDestinationSince(8, 1, Quirks.OlderExpectsNoSharedRam)]
    public async Task RAM_that_each_side_has_of_its_own_is_sent_though_others_could_have_it(GuestRam ram, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Ram = ram, Capabilities = [MigrationCapability.IgnoreShared], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        if (ram != GuestRam.PrivateFile && Quirks.IgnoresAllSharedRam(Environment.Source.Version))
        {
            await ProveLossAsync(pair, ct);
            return;
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        // Looked at before anything else: a destination without its RAM ends.
        await pair.Source.WaitForStatusAsync(MigrationStatus.Active, ct: ct);
        (await RamTotalAsync(pair, ct)).ShouldBeGreaterThanOrEqualTo(MigrationPair.GuestMemoryBytes, $"ram.total of query-migrate: the destination has not this RAM ({ram}), so it must be sent");
        await migration.WaitForPageSentAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static async Task<long> RamTotalAsync(MigrationPair pair, CancellationToken ct) => (await pair.Source.QueryMigrateAsync(ct)).Raw.GetProperty("ram").GetProperty("total").GetInt64();

    private async Task ProveLossAsync(MigrationPair pair, CancellationToken ct)
    {
        Release(pair);
        await pair.StopSourceAsync(ct);
        await pair.MigrateAsync(MigrationChannel.Unix, ct);
        // A device whose ROM is in that memory finds nothing there. The source says completed, or failed where it is late.
        var ended = await Should.ThrowAsync<QemuExitedException>(() => pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, 0, "migration status completed", ct));
        ended.Name.ShouldBe(pair.Destination.Name);
        ended.Stderr.ShouldContain("load of migration failed");
        NoteFault(Quirks.IgnoresAllSharedRamShown);
    }
}
