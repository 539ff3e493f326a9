using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>late-block-activate keeps the destination from its disk until the guest runs there. Since 10.0 that is so without it, too.</summary>
public sealed class BlockActivationTests : MigrationFixture
{
    [MigrationTest("/migration/promises/late-block-activate/true", "late-block-activate", true)]
    [MigrationTest("/migration/promises/late-block-activate/false", "", false)]
    public async Task The_disk_is_taken_when_the_guest_runs_or_when_it_has_come([Capabilities] string capabilities, bool asked, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Convergence = Convergence.Allowed,
            Capabilities = MigrationCapability.Several(capabilities),
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        MigrationPair.HoldsDisks(pair.Source).ShouldBeTrue("the guest runs there");
        MigrationPair.HoldsDisks(pair.Destination).ShouldBeFalse("no guest has come yet");
        var late = asked || pair.Destination.Binary.Version.IsAtLeast(10, 0);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "migration status completed", ct);
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        MigrationPair.HoldsDisks(pair.Source).ShouldBeFalse("it has given the guest away");
        MigrationPair.HoldsDisks(pair.Destination).ShouldBe(!late, "the guest has come, and does not run yet");
        await pair.Destination.ContinueAsync(ct);
        MigrationPair.HoldsDisks(pair.Destination).ShouldBeTrue("the guest runs");
        await migration.CompleteAsync(ct);
    }
}
