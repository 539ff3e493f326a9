using System.Buffers.Binary;
using System.Security.Cryptography;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>SCSI disks, of which the guest knows some things, and has yet to hear others (unit attentions).</summary>
[RequiresDevice("virtio-scsi-pci")]
public sealed class VirtioScsiTests : MigrationFixture
{
    private const string Good = "GOOD";
    private const string HasStarted = "status 2, sense 6/29/00";
    private const string HasAnotherSize = "status 2, sense 6/2a/09";
    private const string NotOnDisk = "status 2, sense 5/21/00";
    private const uint Blocks = 1024;
    private static readonly byte[] TestUnitReady = new byte[6];
    private static readonly ScsiUnit Known = new(0, 0);
    private static readonly ScsiUnit Grown = new(1, 1);
    private static readonly ScsiUnit Unheard = new(2, 0);
    private static readonly ScsiUnit Failed = new(3, 0);

    [MigrationTest("/migration/devices/virtio-scsi")]
    public async Task What_a_disk_has_told_it_does_not_tell_again_and_what_it_has_not_it_tells_once(CancellationToken ct)
    {
        const uint Written = 777, Larger = 2 * Blocks, Largest = 3 * Blocks;
        var folder = Session.Scratch.CreateChild("scsi");
        var arguments = VirtioScsi.Arguments((Known, await ImageAsync("known")), (Grown, await ImageAsync("grown")), (Unheard, Null), (Failed, Null));
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.HeldFast,
            RegionMiB = PairOptions.HeldFastRegionMiB,
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var scsi = new VirtioScsi(pair);
        foreach (var unit in new[] { Known, Grown, Failed })
        {
            await TellsOnceAsync(unit, HasStarted, "it was reset, before the migration");
        }

        var cache = await CacheAsync();
        (await FailAsync()).ShouldBe(NotOnDisk, "a read behind the disk's end, before the migration");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        var content = RandomNumberGenerator.GetBytes(VirtioScsi.BlockBytes);
        (await scsi.SendAsync(Known, Command10(0x2a, Written), ct, data: content)).ToString().ShouldBe(Good, "a write, in pass 2");
        await scsi.ResizeAsync(Grown, Larger, ct);
        scsi.WantEvent();
        var driven = scsi.Device.Describe();
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);

        scsi.Device.Describe().ShouldBe(driven, "the device should be driven as it was");
        (await AskAsync(Known, TestUnitReady)).ShouldBe(Good, $"the first command to {Known} after the migration: it had told the guest that it was reset, and has no news");
        var read = await scsi.SendAsync(Known, Command10(0x28, Written), ct, VirtioScsi.BlockBytes);
        read.ToString().ShouldBe(Good, "a read after the migration");
        read.Data.AsSpan().SequenceEqual(content).ShouldBeTrue("what is read after the migration should be what was written in pass 2");
        (await CacheAsync()).ShouldBe(cache, "the disk's caching page (MODE SENSE) should be as before the migration");
        (await SenseAsync()).ShouldBe((5, 0x21), $"the sense (REQUEST SENSE) of the last command to {Failed}, which failed before the migration");
        (await SenseAsync()).ShouldBe((0, 0), "the sense, which was read");
        (await FailAsync()).ShouldBe(NotOnDisk, "a read behind the disk's end, after the migration");
        await TellsOnceAsync(Grown, HasAnotherSize, "its size has changed before the migration, which the guest had not heard");
        (await LastBlockAsync()).ShouldBe(Larger - 1, "the disk's last block (READ CAPACITY), after its size has changed before the migration");
        await TellsOnceAsync(Unheard, HasStarted, "it was reset before the migration, which the guest had not heard");
        await scsi.ResizeAsync(Grown, Largest, ct);
        await TellsOnceAsync(Grown, HasAnotherSize, "its size has changed after the migration");
        (await LastBlockAsync()).ShouldBe(Largest - 1, "the disk's last block (READ CAPACITY), after its size has changed after the migration");

        async Task<string> ImageAsync(string name)
        {
            var path = folder.File(name);
            await System.IO.File.WriteAllBytesAsync(path, new byte[Blocks * VirtioScsi.BlockBytes], ct);
            // auto-read-only: the oracle of disks sees who may write to it.
            return $"file,auto-read-only=on,filename={QemuCommandLine.InList(path)}";
        }

        async Task<string> AskAsync(ScsiUnit unit, byte[] command) => (await scsi.SendAsync(unit, command, ct)).ToString();

        async Task<string> FailAsync() => (await scsi.SendAsync(Failed, Command10(0x28, Blocks), ct, VirtioScsi.BlockBytes)).ToString();

        async Task TellsOnceAsync(ScsiUnit unit, string news, string why)
        {
            (await AskAsync(unit, TestUnitReady)).ShouldBe(news, $"{unit} should tell at the first command: {why}");
            (await AskAsync(unit, TestUnitReady)).ShouldBe(Good, $"{unit} should tell it once: {why}");
        }

        async Task<string> CacheAsync()
        {
            const byte Length = 24;
            var page = await scsi.SendAsync(Known, [0x1a, 8, 8, 0, Length, 0], ct, Length);
            page.ToString().ShouldBe(Good, "MODE SENSE of the caching page");
            return Convert.ToHexString(page.Data);
        }

        async Task<(int Key, int Code)> SenseAsync()
        {
            const byte Length = 18;
            var sense = await scsi.SendAsync(Failed, [3, 0, 0, 0, Length, 0], ct, Length);
            sense.ToString().ShouldBe(Good, "REQUEST SENSE");
            return (sense.Data[2] & 0xf, sense.Data[12]);
        }

        async Task<uint> LastBlockAsync() => BinaryPrimitives.ReadUInt32BigEndian((await scsi.SendAsync(Grown, [0x25, .. new byte[9]], ct, 8)).Data);
    }

    private static string Null => $"null-co,read-zeroes=on,size={Blocks * VirtioScsi.BlockBytes}";

    // Of one block.
    private static byte[] Command10(byte code, uint block)
    {
        byte[] command = [code, .. new byte[7], 1, 0];
        BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(2), block);
        return command;
    }
}
