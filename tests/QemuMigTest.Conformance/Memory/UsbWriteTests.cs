using System.Buffers.Binary;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>What a USB device writes into memory goes there by pages that its controller has mapped: those that were sent are sent again.</summary>
[RequiresDevice("usb-ehci"), RequiresDevice("usb-tablet")]
public sealed class UsbWriteTests : MigrationFixture
{
    private const uint PageSize = 4096;
    private const uint Across = PageSize - 7;

    [MigrationTest("/migration/memory/device-writes/usb")]
    public async Task What_a_USB_device_tells_into_pages_that_were_sent_arrives(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", $"usb-ehci,id=usb,addr={VirtioDevice.Slot}").With("-device", "usb-tablet,bus=usb.0");
        var pair = await StartPairAsync(new() { Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var (usb, pages) = (new UsbController(pair, VirtioDevice.Slot), new DevicePages(pair));
        usb.Start();
        var contents = Enumerable.Range(0, 4).Select(number => pages.Fill(DevicePages.Low + ((uint)number * PageSize), "before the migration")).ToArray();
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        var told = await DescribeAsync(0, "in pass 2");
        (told[0], BinaryPrimitives.ReadUInt16LittleEndian(told.AsSpan(8))).ShouldBe(((byte)UsbController.DescriptorBytes, (ushort)0x0627), "the descriptor's length and the tablet's vendor");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        (await DescribeAsync(2, "after the migration")).ShouldBe(told, "what the device tells of itself, after the migration");

        // Its beginning is at the end of one page, its end at the beginning of the next.
        async Task<byte[]> DescribeAsync(int number, string when)
        {
            var first = DevicePages.Low + ((uint)number * PageSize);
            var seen = await usb.DescribeAsync(first + Across, when, ct);
            byte[] both = [.. contents[number], .. contents[number + 1]];
            seen.CopyTo(both, (int)Across);
            pair.Expect(first, both.AsMemory(..(int)PageSize), $"by a USB device, {when}");
            pair.Expect(first + PageSize, both.AsMemory((int)PageSize..), $"by a USB device, {when}");
            return seen;
        }
    }
}
