using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A device that QEMU has asked the guest for, by ACPI, and that the guest has not given up yet: it is asked for it on the destination, and can give it up there.</summary>
[RequiresDevice("virtio-rng-pci"), RequiresDevice("pcie-root-port")]
public sealed class HotUnplugTests : MigrationFixture
{
    private const string Device = "wanted";
    private const string Deleted = "DEVICE_DELETED";

    // Of ACPI's hot-plug of PCI devices, behind the first: which slots are asked for, which are given up, and of which bus.
    private const ushort Q35Registers = 0xcc0;
    private const ushort PcRegisters = 0xae00;
    private const ushort AskedFor = 4;
    private const ushort GivenUp = 8;
    private const ushort Bus = 16;

    [MigrationTest("/migration/devices/hot-unplug")]
    public async Task What_the_guest_was_asked_for_before_the_migration_it_gives_up_after_it(CancellationToken ct)
    {
        // Its only bus to plug devices into is the first: the port's on q35, on pc the machine's.
        var isQ35 = Environment.IsQ35;
        var (registers, slot) = isQ35 ? (Q35Registers, 0) : (PcRegisters, VirtioDevice.Slot);
        var arguments = new QemuCommandLine()
            .With(isQ35 ? ["-device", $"pcie-root-port,id=port0,addr={VirtioDevice.Slot},chassis=1,slot=1"] : [])
            .With("-device", $"virtio-rng-pci,id={Device},{(isQ35 ? "bus=port0" : $"addr={slot}")}");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        pair.Source.Process.QTest!.Out32((ushort)(registers + Bus), 0);
        Asked(pair.Source).ShouldBe(0u, "slots that the guest is asked for, on the source, at first");
        await pair.Source.ExecuteAsync("device_del", new() { ["id"] = Device }, ct);
        Asked(pair.Source).ShouldBe(1u << slot, "slots that the guest is asked for, on the source, after device_del");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        Asked(pair.Destination).ShouldBe(1u << slot, "slots that the guest is asked for, on the destination: it has given up none");
        // The source, which is compared, must not have it, either.
        foreach (var side in new[] { pair.Destination, pair.Source })
        {
            var events = side.Process.Qmp.Events.Count;
            side.Process.QTest!.Out32((ushort)(registers + GivenUp), 1u << slot);
            await side.WaitForEventAsync(Deleted, events, ct);
        }

        uint Asked(MigrationSide side) => side.Process.QTest!.In32((ushort)(registers + AskedFor));
    }
}
