using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A virtio device whose driver has made a mistake: it does nothing more until the driver has reset it, wherever it is.</summary>
public sealed class VirtioBrokenTests : MigrationFixture
{
    private const uint FirstQueue = 0x6_0000;
    private const uint SecondQueue = 0x6_8000;
    private const uint Messages = 0x7_0000;
    private const uint PageSize = 4096;
    private const byte Both = 3;

    [MigrationTest("/migration/devices/virtio-broken"), RequiresDevice("virtio-rng-pci")]
    public async Task A_device_that_wants_to_be_reset_does_nothing_before_it_was(CancellationToken ct)
    {
        const uint Message = 0x5100;
        var arguments = new QemuCommandLine().With("-device", $"virtio-rng-pci,addr={VirtioDevice.Slot},disable-legacy=on");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var device = new VirtioDevice(pair);
        device.Begin(features: 0);
        device.Vectors.Set(VirtioDevice.ChangeVector, Messages, Message, masked: true);
        device.Vectors.Enable();
        var entropy = new Entropy(pair, device, FirstQueue);
        device.Go();
        await entropy.FillAsync("before the migration", ct);
        device.TakeInterrupt().ShouldBeTrue("the device is done");
        entropy.Queue.Break();
        await Poll.UntilAsync(pair.Holder.Name, "its virtio device to want a reset", _ => Task.FromResult(device.WantsReset ? device : null),
            () => string.Join("; ", device.Describe()), pair.Environment.Limits.Command, ct);
        // A ring that is still wrong would break it again.
        entropy.Queue.Place(entropy.Next);
        entropy.Queue.Expect("before the migration, of a device that is broken");
        var driven = device.Describe();

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        // The device would have begun when the guest went on, or is told now; it is served by QEMU's main loop, which also answers.
        entropy.Queue.Tell();
        for (var turn = 0; turn < 3; turn++)
        {
            await pair.Holder.QueryStatusAsync(ct);
        }

        entropy.Queue.Done.ShouldBe((ushort)1, "the virtio device was broken (virtio_error) when the guest left: after the migration it should do none of the requests that were made since");
        device.WantsReset.ShouldBeTrue("the device should still want a reset after the migration (DEVICE_NEEDS_RESET)");
        device.Describe().ShouldBe(driven, "the device should be as it was");
        device.TakeInterrupts().ShouldBe(Both, "interrupts that were pending when the guest left: of its queue, and that it wants a reset");
        device.Vectors.Mask(VirtioDevice.ChangeVector, masked: false);
        var message = pair.Holder.Process.QTest!.Read(Messages, (int)PageSize);
        BitConverter.ToUInt32(message).ShouldBe(Message, "the message that it wants a reset was held back when the guest left");
        pair.Expect(Messages, message, "by its virtio device, after the migration");

        device.Begin(features: 0);
        var again = new Entropy(pair, device, SecondQueue);
        device.Go();
        await again.FillAsync("after the migration, when it was reset", ct);
    }
}
