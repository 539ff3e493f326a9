using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>ACPI's tables are made anew when the firmware reads them, for it has given devices their places by then: what a destination has for a guest that reads them later is what the source has made.</summary>
[RequiresDevice("pcie-root-port")]
public sealed class FirmwareTableTests : MigrationFixture
{
    private static readonly string[] Files = ["etc/acpi/tables", "etc/acpi/rsdp", "etc/table-loader"];

    [MigrationTest("/migration/devices/firmware-tables/plain", "")]
    [MigrationTest("/migration/devices/firmware-tables/multifd", "multifd")]
    public async Task The_tables_that_the_firmware_has_read_are_there([Capabilities] string capabilities, CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", $"pcie-root-port,chassis=1,addr={VirtioDevice.Slot}");
        var pair = await StartPairAsync(new()
        {
            Capabilities = MigrationCapability.Several(capabilities),
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var (source, destination) = (new FirmwareFiles(pair.Source.Process.QTest!), new FirmwareFiles(pair.Destination.Process.QTest!));
        var expected = Files.Select(source.ReadFile).ToList();
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        foreach (var (name, content) in Files.Zip(expected))
        {
            destination.ReadFile(name).AsSpan().SequenceEqual(content).ShouldBeTrue($"destination: the firmware's file {name} should be as it was on the source ({content.Length} bytes)");
        }
    }
}
