using System.Buffers.Binary;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A queue of requests to a virtio device in one ring of descriptors (a packed virtqueue, virtio 1.1, QEMU 4.2), each of one buffer that the device writes to. What is whose in the ring turns with each round.</summary>
/// <param name="pair">The pair.</param>
/// <param name="page">The first of the <see cref="Virtqueue.Pages"/> pages of its queue, set up by <see cref="VirtioDevice.AddQueue"/>.</param>
/// <param name="tell">Tells the device.</param>
internal sealed class PackedRing(MigrationPair pair, uint page, Action tell)
{
    /// <summary>The feature bit.</summary>
    public const ulong Feature = 1UL << 34;

    private const int PageSize = 4096;
    private const int DescriptorBytes = 16;
    private const int FlagsAt = 14;
    private const ushort ForDevice = 1 << 1;
    private const ushort Available = 1 << 7;
    private const ushort Used = 1 << 15;
    private readonly DevicePages _pages = new(pair);
    private readonly byte[] _ring = new byte[PageSize];
    private int _made;

    /// <summary>Has the device write to a buffer, and waits until it has.</summary>
    /// <param name="buffer">Where.</param>
    /// <param name="bytes">How many bytes.</param>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task FillAsync(uint buffer, int bytes, string when, CancellationToken ct)
    {
        var (at, isOdd) = (_made % Virtqueue.Size * DescriptorBytes, _made / Virtqueue.Size % 2 == 1);
        var descriptor = _ring.AsSpan(at, DescriptorBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(descriptor, buffer);
        BinaryPrimitives.WriteInt32LittleEndian(descriptor[8..], bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(descriptor[12..], (ushort)_made);
        BinaryPrimitives.WriteUInt16LittleEndian(descriptor[FlagsAt..], (ushort)(ForDevice | (isOdd ? Used : Available)));
        _made++;
        _pages.Put(page, _ring.ToArray(), when);
        tell();
        // The same for both says that it is done: which, goes by the round.
        var done = isOdd ? 0 : Available | Used;
        var seen = 0;
        await Poll.UntilAsync(pair.Holder.Name, $"its virtio device to have done request {_made} of a packed ring, {when}", _ =>
        {
            seen = BinaryPrimitives.ReadUInt16LittleEndian(pair.Holder.Process.QTest!.Read(page + (uint)at + FlagsAt, sizeof(ushort)));
            return Task.FromResult((seen & (Available | Used)) == done ? this : null);
        }, () => $"flags 0x{seen:x}, where 0x{done:x} of 0x{Available | Used:x} are expected", pair.Environment.Limits.Command, ct);
        pair.Holder.Process.QTest!.Read(page + (uint)at, DescriptorBytes).CopyTo(_ring, at);
        pair.Expect(page, _ring.ToArray(), $"by its virtio device, {when}");
    }
}
