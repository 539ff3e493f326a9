using System.Buffers.Binary;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A device behind an IOMMU goes on to see memory where the guest has put it, and not where it is.</summary>
[RequiresDevice("intel-iommu"), RequiresQ35("an AHCI controller at 00:1f.2", "intel-iommu is for q35, and the disk reads through it")]
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

    [MigrationTest("/migration/devices/iommu")]
    public async Task A_disk_reads_to_where_the_guest_has_mapped_it(CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", "intel-iommu,aw-bits=39");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var disk = new AhciDisk(pair);
        disk.IsThere.ShouldBeTrue($"the AHCI controller at 00:1f.2, class 0x{disk.Class:x6}");
        Map(pair);
        disk.Start();
        await disk.ReadAsync(Seen, Moved, "before the migration", ct);
        Check(pair, 0, "before the migration");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        (Status(pair) & (TakeRootTable | Translate)).ShouldBe(TakeRootTable | Translate, "the IOMMU's status (GSTS), after the migration: it has a root table, and translates");
        await disk.ReadAsync(Seen + Step, Moved + Step, "after the migration", ct);
        Check(pair, Step, "after the migration");
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

    private static void Check(MigrationPair pair, uint offset, string when)
    {
        bool HasSector(uint page) => pair.Holder.Process.QTest!.Read(page, pair.Program.Image.Length).AsSpan().SequenceEqual(pair.Program.Image.Span);
        HasSector(Seen + offset).ShouldBeFalse($"whether a sector that the disk has read to 0x{Seen + offset:x}, {when}, is at that address, which the IOMMU has put at 0x{Moved + offset:x}");
        HasSector(Moved + offset).ShouldBeTrue($"whether a sector that the disk has read to 0x{Seen + offset:x}, {when}, is at 0x{Moved + offset:x}, where the IOMMU has put that");
    }

    private static uint Status(MigrationPair pair) => BinaryPrimitives.ReadUInt32LittleEndian(pair.Holder.Process.QTest!.Read(GlobalStatus, sizeof(uint)));
}
