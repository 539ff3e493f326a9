using System.Buffers.Binary;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Devices that are behind a bridge, or have no power there, and interrupts by message (MSI-X) that wait for the guest: what PCI itself has to bring along.</summary>
[RequiresDevice("pcie-root-port"), RequiresDevice("pci-bridge"), RequiresDevice("virtio-rng-pci")]
public sealed class PciBridgeTests : MigrationFixture
{
    private const int PortSlot = VirtioDevice.Slot;
    private const int BridgeSlot = PortSlot + 1;
    private const int PoweredSlot = PortSlot + 2;
    private const uint Messages = 0x7_0000;
    private const uint PageSize = 4096;
    private const uint SlotMessage = 0x5107;

    // Of a virtio device's ports, as before virtio 1.0.
    private const int LegacyStatus = 0x12;

    [MigrationTest("/migration/devices/pci-bridges")]
    public async Task Devices_behind_bridges_are_reached_and_their_messages_that_were_held_back_come(CancellationToken ct)
    {
        // All the kinds of windows: the root port has memory and prefetchable memory, the bridge has ports, too.
        var arguments = new QemuCommandLine()
            .With("-device", $"pcie-root-port,id=port0,addr={PortSlot},chassis=1,slot=1")
            .With("-device", $"pci-bridge,id=bridge0,addr={BridgeSlot},chassis_nr=3")
            .With("-device", $"pcie-root-port,id=port1,addr={PoweredSlot},chassis=2,slot=2")
            .With("-device", "virtio-rng-pci,bus=port0,disable-legacy=on")
            .With("-device", "virtio-rng-pci,bus=bridge0,addr=1,disable-legacy=off,disable-modern=off")
            .With("-device", "virtio-rng-pci,bus=port1,disable-legacy=on");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);

        var port = await BehindBridge.StartAsync(pair, "pcie-root-port", PortSlot, 0, masksFunction: false, 0, ct);
        var bridge = await BehindBridge.StartAsync(pair, "pci-bridge", BridgeSlot, 1, masksFunction: true, 1, ct);
        var ports = bridge.Function.Read(0x10) & ~3u;
        var status = pair.Holder.Process.QTest!.In8((ushort)(ports + LegacyStatus));
        status.ShouldNotBe(byte.MaxValue, $"the bridge's ports, 0x{ports:x}, should lead to the device");

        // Without power; the port's own message that this is done waits.
        var powered = new PciFunction(pair, PoweredSlot);
        powered.Enable();
        var (slot, portVectors, dark) = (new PcieSlot(powered), MsiX.Of(pair, powered)!, powered.Behind(0));
        var kind = dark.Read(0);
        slot.HasPowerController.ShouldBeTrue("the root port's slot should have a power controller");
        portVectors.Set(0, Messages + (2 * PageSize), SlotMessage, masked: true);
        portVectors.Enable();
        slot.TakeEvents();
        slot.Control(PcieSlot.Driven | PcieSlot.PowerOff);
        dark.Read(0).ShouldBe(uint.MaxValue, "what is in a slot without power should not answer");
        (slot.IsCommandDone, portVectors.IsPending(0)).ShouldBe((true, true), "the slot should tell that its power is off");
        var (described, poweredWindows) = (slot.Describe(), powered.DescribeBridge());

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        await port.CheckAsync(ct);
        var now = pair.Holder.Process.QTest!.In8((ushort)(ports + LegacyStatus));
        now.ShouldBe(status, $"the device's status through the bridge's window of ports, 0x{ports:x}, after the migration");
        await bridge.CheckAsync(ct);

        slot.Describe().ShouldBe(described, "the slot whose power is off, after the migration");
        powered.DescribeBridge().ShouldBe(poweredWindows, "the windows of the root port whose slot has no power, after the migration");
        dark.Read(0).ShouldBe(uint.MaxValue, "what is in a slot whose power was off when the guest left should not answer after the migration");
        portVectors.IsPending(0).ShouldBeTrue("the root port's message of its slot was held back when the guest left, and should still be pending (MSI-X PBA)");
        portVectors.Mask(0, masked: false);
        Receive(pair, 2, SlotMessage, "the root port's, of its slot, after the migration");
        slot.TakeEvents();
        slot.Control(PcieSlot.Driven);
        dark.Read(0).ShouldBe(kind, "what is in the slot should answer when it has power again");
        Receive(pair, 2, SlotMessage, "the root port's, of its slot, that has power again");
        // The source, which is compared, was left without.
        slot.TakeEvents();
        slot.Control(PcieSlot.Driven | PcieSlot.PowerOff);
        Receive(pair, 2, SlotMessage, "the root port's, of its slot, without power again");
    }

    // The message is in RAM, whence it is taken.
    private static void Receive(MigrationPair pair, uint number, uint message, string whose)
    {
        var (qtest, page) = (pair.Holder.Process.QTest!, Messages + (number * PageSize));
        BinaryPrimitives.ReadUInt32LittleEndian(qtest.Read(page, sizeof(uint))).ShouldBe(message, $"the message (MSI-X) at 0x{page:x}: {whose}");
        qtest.Write(page, new byte[sizeof(uint)]);
        pair.Expect(page, new byte[PageSize], "by the test, which took a message from there");
    }

    // A device that gives entropy, with a message of its own in RAM.
    private sealed class BehindBridge
    {
        private readonly MigrationPair _pair;
        private readonly string _name;
        private readonly PciFunction _bridge;
        private readonly VirtioDevice _device;
        private readonly bool _masksFunction;
        private readonly uint _number;
        private readonly uint _message;
        private Entropy _entropy = null!;
        private IReadOnlyList<string> _windows = [];
        private IReadOnlyList<string> _driven = [];

        private BehindBridge(MigrationPair pair, string name, int slot, int number, bool masksFunction, uint index)
        {
            (_pair, _name, _masksFunction, _number, _message) = (pair, name, masksFunction, index, 0x5100 + index);
            _bridge = new(pair, slot);
            _bridge.Enable();
            Function = _bridge.Behind(number);
            _device = new(pair, Function, $"slot {number} behind the {name}");
        }

        public PciFunction Function { get; }

        /// <summary>Has it do something of which it cannot tell.</summary>
        /// <param name="pair">The pair.</param>
        /// <param name="name">The bridge's, for errors.</param>
        /// <param name="slot">Where the bridge is.</param>
        /// <param name="number">The device's slot behind it.</param>
        /// <param name="masksFunction">All of its vectors are held back at once, and not the one.</param>
        /// <param name="index">Which of the test's it is.</param>
        /// <param name="ct">Ends it.</param>
        public static async Task<BehindBridge> StartAsync(MigrationPair pair, string name, int slot, int number, bool masksFunction, uint index, CancellationToken ct)
        {
            var behind = new BehindBridge(pair, name, slot, number, masksFunction, index);
            behind._device.Begin(features: 0);
            behind._device.Vectors.Set(VirtioDevice.DoneVector, Messages + (index * PageSize), behind._message, masked: !masksFunction);
            behind._device.Vectors.Enable(masked: masksFunction);
            behind._entropy = new(pair, behind._device, 0x6_0000 + (index * 0x8000));
            behind._device.Go();
            await behind._entropy.FillAsync("before the migration", ct);
            behind._device.Vectors.IsPending(VirtioDevice.DoneVector).ShouldBeTrue($"behind the {name}: the message is held back");
            (behind._windows, behind._driven) = (behind._bridge.DescribeBridge(), behind._device.Describe());
            return behind;
        }

        public async Task CheckAsync(CancellationToken ct)
        {
            _bridge.DescribeBridge().ShouldBe(_windows, $"the windows of the {_name}, after the migration");
            _device.IsDriven.ShouldBeTrue($"behind the {_name}: the device should be reached through the bridge's windows, and be driven, after the migration");
            _device.Vectors.IsPending(VirtioDevice.DoneVector).ShouldBeTrue($"behind the {_name}: the device's message was held back when the guest left, and should still be pending (MSI-X PBA)");
            _device.Describe().ShouldBe(_driven, $"behind the {_name}: the device should be driven as it was");
            if (_masksFunction)
            {
                _device.Vectors.Enable();
            }
            else
            {
                _device.Vectors.Mask(VirtioDevice.DoneVector, masked: false);
            }

            Receive(_pair, _number, _message, $"of the device behind the {_name}, which was pending in the migration");
            _device.Vectors.IsPending(VirtioDevice.DoneVector).ShouldBeFalse($"behind the {_name}: the message has come");
            await _entropy.FillAsync("after the migration", ct);
            Receive(_pair, _number, _message, $"of the device behind the {_name}, after the migration");
        }
    }
}
