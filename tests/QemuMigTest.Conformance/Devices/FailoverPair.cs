using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>
/// A network card that can migrate (standby) and one that stands in for a card that cannot (primary), which QEMU takes from the guest before a migration begins, and gives it back when that comes to nothing.
/// The primary is plugged into a port whose hotplug is ACPI's. Source: docs/system/virtio-net-failover.rst.
/// </summary>
/// <param name="pair">The pair, with <see cref="Arguments"/> on both sides.</param>
internal sealed class FailoverPair(MigrationPair pair)
{
    /// <summary>The standby's id.</summary>
    public const string Standby = "standby0";

    /// <summary>The primary's id.</summary>
    public const string Primary = "primary0";

    private const ulong StandbyFeature = 1UL << 62;
    private const int PortSlot = VirtioDevice.Slot + 1;

    // ACPI's registers for the hotplug of PCI devices, as a q35 has them: a bit for each slot of the bus that is selected.
    private const ushort Plugged = 0xcc0;
    private const ushort Eject = 0xcc8;
    private const ushort SelectBus = 0xcd0;
    private const uint FirstSlot = 1;

    /// <summary>What a QEMU needs to have both cards.</summary>
    public static QemuCommandLine Arguments => new QemuCommandLine()
        .With("-netdev", "hubport,id=net0,hubid=0")
        .With("-netdev", "hubport,id=net1,hubid=1")
        .With("-device", $"pcie-root-port,id=port0,addr={PortSlot},chassis=1")
        .With("-device", $"virtio-net-pci,id={Standby},failover=on,netdev=net0,addr={VirtioDevice.Slot},disable-legacy=on,romfile=,mac=52:54:00:22:22:22")
        .With("-device", $"virtio-net-pci,id={Primary},failover_pair_id={Standby},netdev=net1,bus=port0,disable-legacy=on,rombar=0,romfile=,mac=52:54:00:11:11:11");

    /// <summary>The guest's driver takes the standby as such, and QEMU plugs the primary in.</summary>
    public async Task DriveAsync(CancellationToken ct)
    {
        var from = pair.Source.EventPosition;
        (await HasPrimaryAsync(pair.Source, ct)).ShouldBeFalse("the primary is hidden from a guest that does not know what to do with two cards");
        var device = new VirtioDevice(pair);
        device.Begin(StandbyFeature);
        device.Go();
        await ShouldTellAsync(pair.Source, "FAILOVER_NEGOTIATED", Standby, from, ct);
        (await HasPrimaryAsync(pair.Source, ct)).ShouldBeTrue("the guest has agreed on failover");
        TakePlugged().ShouldBe(FirstSlot, "the guest should be told that a card was plugged in");
    }

    /// <summary>The guest gives the primary back, of which QEMU has asked it.</summary>
    public void GiveBack()
    {
        QTest.Out32(SelectBus, 0);
        QTest.Out32(Eject, FirstSlot);
    }

    /// <summary>The slots of the primary's bus in which something was plugged that the guest was not told of yet, a bit for each.</summary>
    public uint TakePlugged()
    {
        QTest.Out32(SelectBus, 0);
        return QTest.In32(Plugged);
    }

    /// <summary>Waits for an event of this name since a position, which must be of this device.</summary>
    public static async Task ShouldTellAsync(MigrationSide side, string name, string device, int from, CancellationToken ct)
    {
        var told = await side.WaitForEventAsync(name, from, ct);
        told.Data.GetProperty("device-id").GetString().ShouldBe(device, $"{name} of the {side.Name}");
    }

    /// <summary>Whether the primary is in the machine.</summary>
    public static async Task<bool> HasPrimaryAsync(MigrationSide side, CancellationToken ct) =>
        (await side.ExecuteAsync("query-pci", null, ct)).ToString().Contains($"\"{Primary}\"", StringComparison.Ordinal);

    private QTest.QTestClient QTest => pair.Holder.Process.QTest!;
}
