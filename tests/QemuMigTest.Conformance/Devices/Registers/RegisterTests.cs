using System.Security.Cryptography;
using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>A device whose registers a driver has written to: all that can be read of it is on the destination what it is on the source, where the guest is stopped on both.</summary>
public sealed class RegisterTests : MigrationFixture
{
    private const int PageSize = 4096;
    private const int FewestValues = 8;

    [MigrationTest("/migration/devices/registers/e1000"), RequiresDevice("e1000")]
    public Task An_Intel_8254x_says_the_same(CancellationToken ct) => CheckAsync(new IntelCardRegisters("e1000", 8), ct);

    [MigrationTest("/migration/devices/registers/e1000e"), RequiresDevice("e1000e")]
    public Task An_Intel_82574_says_the_same(CancellationToken ct) => CheckAsync(new IntelCardRegisters("e1000e", 2), ct);

    [MigrationTest("/migration/devices/registers/rtl8139"), RequiresDevice("rtl8139")]
    public Task A_Realtek_8139_says_the_same(CancellationToken ct) => CheckAsync(new RealtekCardRegisters(), ct);

    [MigrationTest("/migration/devices/registers/vga"), RequiresDevice("VGA")]
    public Task A_VGA_says_the_same(CancellationToken ct) => CheckAsync(new VgaRegisters(), ct);

    // Behind the first 0x20 bytes, which say what it can: the queues' addresses, which ports are its own.
    [MigrationTest("/migration/devices/registers/ehci"), RequiresDevice("usb-ehci")]
    public Task A_USB_2_controller_says_the_same(CancellationToken ct) => CheckAsync(new MappedRegisters("usb-ehci", 0, 0x80,
        [(0x28, 4, 0x37), (0x2c, 4, 0x1238), (0x34, 4, 0x5_1000), (0x38, 4, 0x5_2000), (0x60, 4, 1), (0x64, 4, 0x1000)]), ct);

    // Its operational registers are at 0x40, those of its interrupters at 0x1020.
    [MigrationTest("/migration/devices/registers/xhci"), RequiresDevice("qemu-xhci")]
    public Task A_USB_3_controller_says_the_same(CancellationToken ct) => CheckAsync(new MappedRegisters("qemu-xhci", 0, 0x2000,
    [
        (0x54, 4, 0x8006), (0x70, 4, 0x5_1000), (0x74, 4, 0), (0x78, 4, 5),
        .. Enumerable.Range(0, 4).SelectMany(i => ((int, int, uint)[])[(0x1020 + (32 * i), 4, 2), (0x1024 + (32 * i), 4, 0x300u + (uint)i), (0x1038 + (32 * i), 4, 0x5_2010u + (0x100u * (uint)i)), (0x103c + (32 * i), 4, 0)]),
    ]), ct);

    [MigrationTest("/migration/devices/registers/ide"), RequiresDevice("isa-ide")]
    public Task A_disk_of_the_ISA_bus_says_the_same(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("images").File("ide");
        System.IO.File.WriteAllBytes(image, RandomNumberGenerator.GetBytes(PageSize));
        return CheckAsync(new IdeRegisters(image), ct);
    }

    [MigrationTest("/migration/devices/registers/ahci")]
    public async Task An_AHCI_controller_says_the_same(CancellationToken ct)
    {
        var registers = new AhciRegisters();
        var pair = await StartAsync(registers, ct);
        var disk = new AhciDisk(pair);
        if (!disk.IsThere)
        {
            Skip("an AHCI controller at 00:1f.2, as q35 has it", new($"class 0x{disk.Class:x6} there on {Environment.MachineType}", "its registers are compared"));
        }

        // What it tells comes as replies, which its registers show.
        disk.Start();
        await disk.IdentifyAsync(DevicePages.Low, "before the migration", ct);
        await CompareAsync(pair, registers, ct);
    }

    private async Task CheckAsync(DeviceRegisters registers, CancellationToken ct) => await CompareAsync(await StartAsync(registers, ct), registers, ct);

    private Task<MigrationPair> StartAsync(DeviceRegisters registers, CancellationToken ct) =>
        StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = registers.Arguments, DestinationArguments = registers.Arguments }, ct);

    private static async Task CompareAsync(MigrationPair pair, DeviceRegisters registers, CancellationToken ct)
    {
        await pair.StopSourceAsync(ct);
        registers.Plant(pair);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await DeviceRegisters.UntilBothCompletedAsync(migration, ct);
        var (source, destination) = (registers.Read(pair.Source.Process.QTest!), registers.Read(pair.Destination.Process.QTest!));
        source.Values.Distinct().Count().ShouldBeGreaterThanOrEqualTo(FewestValues, "different values of its registers: what nobody answers for reads as one or the other");
        source.Where(register => destination[register.Key] != register.Value).Select(register => $"{register.Key}: 0x{register.Value:x} on the source, 0x{destination[register.Key]:x} on the destination")
            .ShouldBeEmpty("what the device says must be the same on both sides");
        await migration.CompleteAsync(ct);
    }
}
