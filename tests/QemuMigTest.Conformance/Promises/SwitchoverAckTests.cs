using QemuMigTest.Binaries;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>With switchover-ack a source does not stop its guest before the destination has agreed, in each migration anew.</summary>
[RequiresCapability("switchover-ack")]
public sealed class SwitchoverAckTests : MigrationFixture
{
    private const int Passes = 5;

    [MigrationTest("/migration/promises/switchover-ack")]
    public async Task The_guest_runs_on_until_the_destination_has_agreed(CancellationToken ct)
    {
        var pair = await StartAsync(Convergence.Allowed, PairOptions.SmallRegionMiB, ct);
        await MigrateWithoutAnswerAsync(pair, ct);
    }

    [MigrationTest("/migration/promises/switchover-ack/failed")]
    public async Task An_agreement_to_a_migration_that_has_failed_is_none_to_the_next(CancellationToken ct)
    {
        var pair = await StartAsync(Convergence.HeldFast, PairOptions.HeldFastRegionMiB, ct);
        using var proxy = new ProxyChannel();
        var failed = await pair.MigrateAsync(proxy, ct);
        await failed.WaitForPassAsync(2, ct);
        await Poll.UntilAsync("proxy", "the destination's agreement", _ => Task.FromResult(proxy.Traffic[0].BytesBack > 0 ? proxy : null), () => $"{proxy.Traffic[0].BytesBack} bytes from it", Environment.Limits.Step, ct);
        await pair.LoseAsync(pair.Destination, ct);
        await failed.FailAsync("", DestinationEnd.Stays, ct);
        await pair.StartAnotherDestinationAsync(ct);
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        await MigrateWithoutAnswerAsync(pair, ct);
    }

    private Task<MigrationPair> StartAsync(Convergence convergence, uint regionMiB, CancellationToken ct)
    {
        return StartPairAsync(new()
        {
            Capabilities = [MigrationCapability.ReturnPath, MigrationCapability.SwitchoverAck],
            Convergence = convergence,
            RegionMiB = regionMiB,
            SourceArguments = AlwaysAsking(Environment.Source),
            DestinationArguments = AlwaysAsking(Environment.Destination),
        }, ct);
    }

    private static QemuCommandLine AlwaysAsking(QemuBinary binary) => Quirks.SwitchoverAckOfDevices(binary.Version) ? new QemuCommandLine().With("-global", "migration.switchover-ack-legacy=on") : new();

    private static async Task MigrateWithoutAnswerAsync(MigrationPair pair, CancellationToken ct)
    {
        using var proxy = new ProxyChannel();
        proxy.HoldReturn();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForPassAsync(Passes, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.Active, "the destination's agreement is still on its way");
        proxy.LetReturn();
        await migration.CompleteAsync(ct);
    }
}
