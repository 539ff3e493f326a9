using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>A destination that is made up otherwise does not take the guest: it says what is not the same, and the guest stays where it is.</summary>
public sealed class OtherDeviceTests : MigrationFixture
{
    private const ulong PackedRings = 1UL << 34;
    private const ulong EventIndex = 1UL << 29;

    [MigrationTest("/migration/rules/devices/tsc-frequency", "-cpu qemu64,tsc-frequency=1000000000", "-cpu qemu64,tsc-frequency=2000000000",
        "Mismatch between user-specified TSC frequency and migrated TSC frequency")]
    [MigrationTest("/migration/rules/devices/vcpus", "-smp 2", "-smp 1", "' 1. Make sure that your current VM setup matches your saved VM setup")]
    public Task What_is_not_the_same_is_refused(string source, string destination, string reason, CancellationToken ct) => RefusedAsync(source, destination, reason, ct);

    [MigrationTest("/migration/rules/devices/missing", "-device virtio-rng-pci,addr=6", "", "section or instance '0000:00:06.0/virtio-rng' 0"), RequiresDevice("virtio-rng-pci")]
    [MigrationTest("/migration/rules/devices/other-slot", "-device virtio-rng-pci,addr=6", "-device virtio-rng-pci,addr=7", "section or instance '0000:00:06.0/virtio-rng' 0"), RequiresDevice("virtio-rng-pci")]
    public Task A_device_that_is_not_there_is_refused(string source, string destination, string reason, CancellationToken ct) => RefusedAsync(source, destination, reason, ct);

    // Beyond the header of its configuration space, where its capabilities are.
    [MigrationTest("/migration/rules/devices/pci-capability"), RequiresDevice("virtio-rng-pci")]
    public async Task A_device_with_another_capability_is_refused(CancellationToken ct)
    {
        var pair = await StartPairAsync(With(MsiX(4), MsiX(8)), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.FailAsync("", DestinationEnd.Exits("Bad config data"), ct);
    }

    // The second is of the upper half of its features.
    [MigrationTest("/migration/rules/devices/virtio-feature", EventIndex, "", ",event_idx=off")]
    [MigrationTest("/migration/rules/devices/virtio-feature/packed", PackedRings, ",packed=on", "")]
    [RequiresDevice("virtio-rng-pci")]
    public async Task A_device_without_what_was_agreed_with_its_driver_is_refused(ulong feature, string source, string destination, CancellationToken ct)
    {
        var pair = await StartPairAsync(With(Rng(source), Rng(destination)), ct);
        new VirtioDevice(pair).Begin(feature);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.FailAsync("", DestinationEnd.Exits(" unsupported. Allowed features: 0x"), ct);
    }

    private static QemuCommandLine Rng(string more) => new QemuCommandLine().With("-device", $"virtio-rng-pci,addr={VirtioDevice.Slot},disable-legacy=on{more}");

    private static QemuCommandLine MsiX(int vectors) => Rng($",vectors={vectors}");

    private static QemuCommandLine Parse(string arguments) => new QemuCommandLine().With(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    private static PairOptions With(QemuCommandLine source, QemuCommandLine destination) =>
        new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = source, DestinationArguments = destination, Capabilities = [MigrationCapability.ReturnPath] };

    private async Task RefusedAsync(string source, string destination, string reason, CancellationToken ct)
    {
        var pair = await StartPairAsync(With(Parse(source), Parse(destination)), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.FailAsync("", DestinationEnd.Exits(reason), ct);
    }
}
