using System.Buffers.Binary;
using System.Security.Cryptography;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A device behind an IOMMU goes on to see memory where the guest has put it, and not where it is.</summary>
[RequiresQ35("an AHCI controller at 00:1f.2", "an IOMMU is for q35, and the disk reads through it")]
public sealed class IommuTests : MigrationFixture
{
    private const int PageSize = 4096;
    private const int EntryBytes = 16;
    private const int Controller = (0x1f << 3) | 2;

    // What the disk is told, and where that is. Its controller's own pages stay where they are.
    private const uint Seen = DevicePages.Low;
    private const uint Moved = 0x5_4000;
    private const uint Step = 0x1000;
    private const uint FirstUnmoved = 0x5_8000;
    private const uint LastUnmoved = 0x5_a000;

    // The tables: of buses, of a bus's devices, and of three levels of pages.
    private const uint Buses = 0x5_b000;
    private const uint Devices = 0x5_c000;
    private const uint Level3 = 0x5_d000;
    private const uint Level2 = 0x5_e000;
    private const uint Level1 = 0x5_f000;
    private const ulong Present = 1;
    private const ulong ReadWrite = 3;
    private const ulong Levels3OfDomain1 = 0x101;

    private const ulong Iommu = 0xfed9_0000;
    private const ulong GlobalCommand = Iommu + 0x18;
    private const ulong GlobalStatus = Iommu + 0x1c;
    private const ulong RootTable = Iommu + 0x20;
    private const uint TakeRootTable = 1u << 30;
    private const uint Translate = 1u << 31;

    private const int Other = (0x1f << 3) | 7;
    private const uint Domain = 7;
    private const uint Queue = 0x6_0000;

    [MigrationTest("/migration/devices/iommu"), RequiresDevice("intel-iommu")]
    public async Task A_disk_reads_to_where_the_guest_has_mapped_it(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", "intel-iommu,aw-bits=39");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var disk = new AhciDisk(pair);
        disk.IsThere.ShouldBeTrue($"the AHCI controller at 00:1f.2, class 0x{disk.Class:x6}");
        Map(pair);
        disk.Start();
        await disk.ReadAsync(Seen, Moved, "before the migration", ct);
        Check(pair, 0, "before the migration", disk.Sector);

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        (Status(pair) & (TakeRootTable | Translate)).ShouldBe(TakeRootTable | Translate, "the IOMMU's status (GSTS), after the migration: it has a root table, and translates");
        await disk.ReadAsync(Seen + Step, Moved + Step, "after the migration", ct);
        Check(pair, Step, "after the migration", disk.Sector);
    }

    [MigrationTest("/migration/devices/iommu/virtio"), RequiresDevice("virtio-iommu-pci"), RequiresDevice("ich9-ahci")]
    public async Task Two_disks_of_one_domain_read_to_where_the_guest_has_mapped_it(CancellationToken ct)
    {
        var image = Session.Scratch.CreateChild("images").File("other");
        var sector = RandomNumberGenerator.GetBytes(VirtioDisk.SectorBytes);
        await System.IO.File.WriteAllBytesAsync(image, sector, ct);
        // The BIOS starts the disk whose port and model come first.
        var arguments = new QemuCommandLine()
            .With("-device", $"virtio-iommu-pci,addr={VirtioDevice.Slot}")
            .With("-device", $"ich9-ahci,id=other,addr={Other >> 3:x}.{Other & 7}")
            .With("-drive", $"if=none,id=d1,format=raw,file={QemuCommandLine.InList(image)}").With("-device", "ide-hd,drive=d1,bus=other.5,model=Z");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var iommu = new VirtioIommu(pair, Queue);
        (uint Endpoint, AhciDisk Disk)[] disks = [(Controller, new(pair)), (Other, new(pair, controller: new(pair, Other >> 3, Other & 7)) { Sector = sector })];
        foreach (var (endpoint, disk) in disks)
        {
            disk.IsThere.ShouldBeTrue($"the AHCI controller that is endpoint 0x{endpoint:x}, class 0x{disk.Class:x6}");
            await iommu.AttachAsync(Domain, endpoint, ct);
        }

        await iommu.MapAsync(Domain, Seen, Moved, disks.Length * 2 * PageSize, ct);
        await iommu.MapAsync(Domain, FirstUnmoved, FirstUnmoved, (int)(LastUnmoved + PageSize - FirstUnmoved), ct);
        for (var number = 0u; number < disks.Length; number++)
        {
            disks[number].Disk.Start();
            await ReadAsync(number, "before the migration");
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        // First the one that was attached first.
        for (var number = 0u; number < disks.Length; number++)
        {
            await ReadAsync(number, "after the migration", disks.Length);
        }

        foreach (var (endpoint, _) in disks)
        {
            await iommu.DetachAsync(Domain, endpoint, ct);
        }

        async Task ReadAsync(uint number, string when, int from = 0)
        {
            var offset = (uint)(from + number) * Step;
            await disks[number].Disk.ReadAsync(Seen + offset, Moved + offset, when, ct);
            Check(pair, offset, when, disks[number].Disk.Sector);
        }
    }

    private static void Map(MigrationPair pair)
    {
        var (qtest, pages) = (pair.Holder.Process.QTest!, new DevicePages(pair));
        Put(Buses, (0, Devices | Present));
        Put(Devices, (Controller * EntryBytes, Level3 | Present), ((Controller * EntryBytes) + sizeof(ulong), Levels3OfDomain1));
        Put(Level3, (0, Level2 | ReadWrite));
        Put(Level2, (0, Level1 | ReadWrite));
        Put(Level1, [.. new[] { (Seen, Moved), (Seen + Step, Moved + Step) }.Concat(Enumerable.Range(0, (int)((LastUnmoved - FirstUnmoved) / PageSize) + 1).Select(number => FirstUnmoved + ((uint)number * PageSize)).Select(page => (page, page)))
            .Select(mapped => ((int)(mapped.Item1 / PageSize) * sizeof(ulong), mapped.Item2 | ReadWrite))]);
        qtest.Write(RootTable, BitConverter.GetBytes((ulong)Buses));
        qtest.Write(GlobalCommand, BitConverter.GetBytes(TakeRootTable));
        qtest.Write(GlobalCommand, BitConverter.GetBytes(Translate));
        (Status(pair) & (TakeRootTable | Translate)).ShouldBe(TakeRootTable | Translate, "the IOMMU's status (GSTS), on the source");

        void Put(uint page, params (int Offset, ulong Entry)[] entries)
        {
            var content = new byte[PageSize];
            foreach (var (offset, entry) in entries)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(offset), entry);
            }

            pages.Put(page, content, "for the IOMMU, before the migration");
        }
    }

    private static void Check(MigrationPair pair, uint offset, string when, ReadOnlyMemory<byte> sector)
    {
        bool HasSector(uint page) => pair.Holder.Process.QTest!.Read(page, sector.Length).AsSpan().SequenceEqual(sector.Span);
        HasSector(Seen + offset).ShouldBeFalse($"whether a sector that the disk has read to 0x{Seen + offset:x}, {when}, is at that address, which the IOMMU has put at 0x{Moved + offset:x}");
        HasSector(Moved + offset).ShouldBeTrue($"whether a sector that the disk has read to 0x{Seen + offset:x}, {when}, is at 0x{Moved + offset:x}, where the IOMMU has put that");
    }

    private static uint Status(MigrationPair pair) => BinaryPrimitives.ReadUInt32LittleEndian(pair.Holder.Process.QTest!.Read(GlobalStatus, sizeof(uint)));
}
