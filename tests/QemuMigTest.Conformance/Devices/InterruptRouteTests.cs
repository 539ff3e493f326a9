using QemuMigTest.Conformance.State;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>To which of the chipset's lines a device's interrupt pin leads (D28IR and its like) is a register's business, and a device's interrupt goes there.</summary>
[RequiresTcg("which line was raised is read from QEMU's own I/O APIC"), RequiresQ35("the interrupt routes at 0xfed1f140", "another chipset has others"), RequiresDevice("virtio-rng-pci")]
public sealed class InterruptRouteTests : MigrationFixture
{
    private const int Slot = 28;
    private const ulong Route = 0xfed1_f146;
    private const ushort FirstPinToLast = 0x3217;
    private const uint Queue = 0x6_0000;
    private const int FirstLine = 16;
    private const int Lines = 8;
    private const int LastLine = FirstLine + Lines - 1;
    private const uint LevelTriggered = 0x8051;
    private const uint NoProcessor = 0x0f00_0000;

    [MigrationTest("/migration/devices/interrupt-route")]
    public async Task An_interrupt_goes_where_the_guest_has_led_it(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", $"virtio-rng-pci,addr=0x{Slot:x},disable-legacy=on,vectors=0");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        pair.Source.Process.QTest!.Write(Route, BitConverter.GetBytes(FirstPinToLast));
        var device = new VirtioDevice(pair, Slot);
        device.Begin(features: 0);
        var entropy = new Entropy(pair, device, Queue);
        device.Go();
        (await RaiseAsync("before the migration")).ShouldBe([LastLine], "source: inputs of the I/O APIC that the device has raised");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        BitConverter.ToUInt16(pair.Destination.Process.QTest!.Read(Route, sizeof(ushort))).ShouldBe(FirstPinToLast, "destination: D28IR, as the guest had set it");
        var raised = await RaiseAsync("after the migration");
        SetLines(pair.Source.Process.QTest!, IoApic.Masked, 0);
        if (Quirks.InterruptRoutesAreForgotten(Environment.Destination.Version))
        {
            raised.ShouldBe([FirstLine], "inputs of the I/O APIC that the device has raised; else the fault is mended: docs/findings.md");
            NoteFault("interrupt pins that a q35's guest has led to other lines (D28IR) lead to those of a reset after a migration");
            return;
        }

        raised.ShouldBe([LastLine], "destination: inputs of the I/O APIC that the device has raised, as on the source");

        async Task<IReadOnlyList<int>> RaiseAsync(string when)
        {
            var qtest = pair.Holder.Process.QTest!;
            SetLines(qtest, LevelTriggered | IoApic.Masked, NoProcessor);
            await entropy.FillAsync(when, ct);
            SetLines(qtest, LevelTriggered, NoProcessor);
            var raised = Enumerable.Range(FirstLine, Lines).Where(line => (IoApic.Read(qtest, line) & IoApic.HasNoEndYet) != 0).ToArray();
            device.TakeInterrupt().ShouldBeTrue($"{when}: the device's interrupt");
            SetLines(qtest, IoApic.Masked, 0);
            return raised;
        }
    }

    private static void SetLines(QTestClient qtest, uint low, uint high)
    {
        for (var line = FirstLine; line <= LastLine; line++)
        {
            IoApic.Write(qtest, line, 1, high);
            IoApic.Write(qtest, line, 0, low);
        }
    }
}
