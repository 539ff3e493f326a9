using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using QemuMigTest.Processes;
using QemuMigTest.Streams;

namespace QemuMigTest.Conformance.Streams;

/// <summary>The stream itself is read and compared with the guest that it was made of, where upstream runs a script over it.</summary>
public sealed partial class AnalyzeStreamTests : MigrationFixture
{
    private const string Uuid = "11111111-1111-1111-1111-111111111111";
    private const long Offset = 0x2000;

    [MigrationTest("/migration/analyze-script"), RequiresCapability("validate-uuid"), RequiresCapability("x-ignore-shared")]
    public async Task A_stream_is_whole_and_describes_the_stopped_guest_that_it_was_made_of(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-uuid", Uuid);
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            Capabilities = [MigrationCapability.ValidateUuid, new("x-ignore-shared")],
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        await pair.StopSourceAsync(ct);
        var registers = await pair.Source.HumanAsync("info registers", ct);
        var channel = new StreamFileChannel();
        var migration = await pair.MigrateAsync(channel, ct);
        await migration.CompleteAsync(ct);

        var stream = await StreamMemoryCheck.VerifyAsync(channel.FilePath, 0, pair.Source, ct);
        stream.Configuration.MachineType.ShouldBe(Environment.MachineType);
        stream.Configuration.Uuid.ShouldBe(new Guid(Uuid));
        stream.Configuration.Capabilities.ShouldBe(["x-ignore-shared"]);
        stream.Blocks.Single(block => block.Name == StreamMemoryCheck.GuestRam).Address.ShouldBe(0ul);
        stream.Description.ShouldNotBeNull().Devices.Count.ShouldBe(stream.Devices.Count);
        Value(stream, "cpu", "env.eip").ShouldBe($"0x{Ip(registers):x16}");
        Encoding.ASCII.GetString(Field(stream, "globalstate", "runstate").Bytes.Span).TrimEnd('\0').ShouldBe("paused");
        foreach (var device in new[] { "timer", "apic", "cpu_common", "i8259", "mc146818rtc", Environment.IsQ35 ? "0000:00:1f.2/ich9_ahci" : "0000:00:01.1/ide" })
        {
            stream.Devices.ShouldContain(state => state.Name == device);
        }
    }

    [MigrationTest("/migration/analyze-script/mapped-ram"), RequiresCapability("mapped-ram")]
    public async Task A_mapped_ram_stream_behind_an_offset_has_each_page_of_the_guest_at_its_place(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, Capabilities = [MigrationCapability.MappedRam] }, ct);
        var channel = new FileChannel(Offset);
        var migration = await pair.MigrateAsync(channel, ct);
        await migration.CompleteAsync(ct);

        var stream = await StreamMemoryCheck.VerifyAsync(channel.FilePath, Offset, pair.Source, ct);
        stream.Configuration.MappedRam.ShouldBeTrue();
        stream.Blocks.ShouldAllBe(block => block.PagesOffset > Offset);
    }

    private static string Value(MigrationStream stream, string device, string field) => Field(stream, device, field).Value;

    private static StreamField Field(MigrationStream stream, string device, string field) =>
        stream.ReadFields(stream.Devices.Single(state => state.Name == device && state.InstanceId == 0)).Single(found => found.Path == field);

    private static ulong Ip(string registers) => ulong.Parse(InstructionPointer().Match(registers).Groups["ip"].Value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b[ER]IP=(?<ip>[0-9a-f]+)")]
    private static partial Regex InstructionPointer();
}
