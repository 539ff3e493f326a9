using System.Security.Cryptography;
using System.Text.Json.Nodes;
using QemuMigTest.Conformance.State;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What a guest was given while it ran goes along to a destination that has it from the start, as a manager starts it: memory, a vCPU, a device.</summary>
[RequiresQ35("a root port, and ACPI's ports for what is plugged", "what they say is compared"), RequiresTcg("the vCPU that is plugged is called by its model")]
[RequiresDevice("pc-dimm"), RequiresDevice("virtio-rng-pci"), RequiresDevice("pcie-root-port"), RequiresDevice(Vcpu)]
public sealed class HotPlugTests : MigrationFixture
{
    private const string Vcpu = "qemu64-x86_64-cpu";
    private const string Memory = "dimm0";
    private const string Port = "port0";
    private const ulong Start = 1UL << 32;
    private const int Bytes = 16 << 20;
    private const int PageSize = 4096;
    private const int Page = 7;

    // What is read in one piece QEMU's allocator may keep.
    private const int Piece = 16 << 10;

    // ACPI's registers for memory and vCPUs that are plugged (docs/specs/acpi_mem_hotplug.rst, acpi_cpu_hotplug.rst).
    private const int MemorySlots = 0xa00;
    private const int MemoryRegisters = 24;
    private const int Vcpus = 0xcd8;
    private const int VcpuRegisters = 12;

    [MigrationTest("/migration/devices/hot-plug")]
    public async Task What_was_plugged_into_the_source_is_on_the_destination_as_it_was(CancellationToken ct)
    {
        var machine = new QemuCommandLine().With("-m", "slots=2,maxmem=1G").With("-smp", "1,sockets=2,maxcpus=2").With("-device", $"pcie-root-port,id={Port},addr={VirtioDevice.Slot},chassis=1,slot=1");
        var plugged = new JsonObject[]
        {
            new() { ["driver"] = "pc-dimm", ["id"] = Memory, ["memdev"] = "ram1", ["addr"] = Start, ["slot"] = 0 },
            new() { ["driver"] = Vcpu, ["id"] = "vcpu1", ["socket-id"] = 1, ["core-id"] = 0, ["thread-id"] = 0 },
            new() { ["driver"] = "virtio-rng-pci", ["id"] = "rng0", ["bus"] = Port },
        };
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = machine,
            DestinationArguments = machine.With("-object", $"memory-backend-ram,id=ram1,size={Bytes}").With(plugged.SelectMany(device => new[] { "-device", device.ToJsonString() })),
        }, ct);
        await pair.Source.ExecuteAsync("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = "ram1", ["size"] = Bytes }, ct);
        foreach (var device in plugged)
        {
            await pair.Source.ExecuteAsync("device_add", device, ct);
        }

        // The first page, the last, and one between zero pages.
        var noise = RandomNumberGenerator.GetBytes(PageSize);
        foreach (var page in new[] { 0, Page, (Bytes / PageSize) - 1 })
        {
            pair.Source.Process.QTest!.Write(Start + (ulong)(page * PageSize), noise);
        }

        var expected = ReadMemory(pair.Source);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        ReadMemory(pair.Destination).AsSpan().SequenceEqual(expected).ShouldBeTrue("the memory that was plugged has all that was written to it");
        var across = pair.Source.Binary.Version != pair.Destination.Binary.Version;
        (await DescribeAsync(pair.Destination, across, ct)).ShouldBe(await DescribeAsync(pair.Source, across, ct), "what the destination says of what was plugged");
        new PciFunction(pair, VirtioDevice.Slot).Behind(0).Class.ShouldNotBe(PciFunction.NoClass, "the device that was plugged");
    }

    private static byte[] ReadMemory(MigrationSide side) => [.. Enumerable.Range(0, Bytes / Piece).SelectMany(piece => side.Process.QTest!.Read(Start + (ulong)(piece * Piece), Piece))];

    // Of vCPUs an older version tells in its own way, until a guest's ACPI asks for the other: not so a newer one.
    private static async Task<IReadOnlyList<string>> DescribeAsync(MigrationSide side, bool across, CancellationToken ct)
    {
        var qtest = side.Process.QTest!;
        var memory = (await side.ExecuteAsync("query-memory-devices", null, ct)).EnumerateArray().Select(device => device.GetProperty("data"))
            .Select(data => $"memory {data.GetProperty("id").GetString()}: slot {data.GetProperty("slot").GetInt32()}, 0x{data.GetProperty("addr").GetInt64():x}, {data.GetProperty("size").GetInt64()} bytes");
        var vcpus = (await side.ExecuteAsync("query-cpus-fast", null, ct)).EnumerateArray().Select(vcpu => $"vCPU {vcpu.GetProperty("cpu-index").GetInt32()}: {vcpu.GetProperty("props").GetRawText()}");
        return
        [
            .. memory, .. vcpus,
            $"ACPI, memory: {Convert.ToHexStringLower([.. Enumerable.Range(MemorySlots, MemoryRegisters).Select(port => qtest.In8((ushort)port))])}",
            across ? "" : $"ACPI, vCPUs: {Convert.ToHexStringLower([.. Enumerable.Range(Vcpus, VcpuRegisters).Select(port => qtest.In8((ushort)port))])}",
        ];
    }
}
