using QemuMigTest.Conformance.Devices;

namespace QemuMigTest.Conformance.Order;

/// <summary>A migration waits in wait-unplug for a guest that still has a card that cannot migrate.</summary>
[RequiresDevice("virtio-net-pci"), RequiresDevice("pcie-root-port"), RequiresQ35("ACPI's hot-plug registers at 0xcc0", "by them the guest gives a card back")]
public sealed class WaitUnplugTests : MigrationFixture
{
    private const string AskedFor = "UNPLUG_PRIMARY";
    private const string Agreed = "FAILOVER_NEGOTIATED";
    private const int Markers = 4;

    [MigrationTest("/migration/order/wait-unplug/completed")]
    public async Task Nothing_is_sent_before_the_guest_has_given_its_card_back_and_it_gets_one_on_the_destination(CancellationToken ct)
    {
        var (pair, cards) = await StartAsync(ct);
        var migration = await MigrateAsync(pair, ct);
        await CompleteAsync(pair, cards, migration, ct);
    }

    [MigrationTest("/migration/order/wait-unplug/cancelled")]
    public async Task A_guest_gets_its_card_back_after_a_cancel(CancellationToken ct)
    {
        var (pair, cards) = await StartAsync(ct);
        var migration = await MigrateAsync(pair, ct);
        await migration.RequestCancelAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.Cancelling, ct);
        cards.TakePlugged().ShouldBe(0u, "the guest has not given its card back yet");
        cards.GiveBack();
        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        (await FailoverPair.HasPrimaryAsync(pair.Source, ct)).ShouldBeTrue("the primary should be plugged in again");
        cards.TakePlugged().ShouldBe(1u, "the guest should be told that it was");

        await pair.StartAnotherDestinationAsync(ct);
        await CompleteAsync(pair, cards, await MigrateAsync(pair, ct), ct);
    }

    private async Task<(MigrationPair Pair, FailoverPair Cards)> StartAsync(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = FailoverPair.Arguments,
            DestinationArguments = FailoverPair.Arguments,
        }, ct);
        var cards = new FailoverPair(pair);
        await cards.DriveAsync(ct);
        return (pair, cards);
    }

    private static async Task<MigrationRun> MigrateAsync(MigrationPair pair, CancellationToken ct)
    {
        var from = pair.Source.EventPosition;
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await FailoverPair.ShouldTellAsync(pair.Source, AskedFor, FailoverPair.Primary, from, ct);
        await migration.WaitForStatusAsync(MigrationStatus.WaitUnplug, ct);
        for (var (marker, at) = (0, pair.Source.Serial.Position); marker < Markers; marker++)
        {
            at = await pair.Source.Serial.WaitForAsync('B', at, ct);
        }

        var info = await pair.Source.QueryMigrateAsync(ct);
        info.Status.ShouldBe(MigrationStatus.WaitUnplug, "the guest still has its card");
        (info.RamTransferred ?? 0).ShouldBe(0, $"no page should be sent before; query-migrate said {info}");
        return migration;
    }

    private static async Task CompleteAsync(MigrationPair pair, FailoverPair cards, MigrationRun migration, CancellationToken ct)
    {
        var from = pair.Destination.EventPosition;
        cards.GiveBack();
        await migration.CompleteAsync(ct);
        await FailoverPair.ShouldTellAsync(pair.Destination, Agreed, FailoverPair.Standby, from, ct);
        (await FailoverPair.HasPrimaryAsync(pair.Destination, ct)).ShouldBeTrue("the destination should have plugged its primary in");
        pair.Source.Process.Qmp.Events.Count(told => told.Name == AskedFor).ShouldBe(pair.Runs.Count, $"{AskedFor} should come once a migration");
        pair.Destination.Process.Qmp.Events.ShouldNotContain(told => told.Name == AskedFor, "the destination keeps its primary");
    }
}
