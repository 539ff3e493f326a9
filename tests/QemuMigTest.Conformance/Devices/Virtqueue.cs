using System.Buffers.Binary;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A queue of requests to a virtio device (a split virtqueue), in three pages of the guest's memory. What is submitted must be done before there is more.</summary>
/// <param name="pair">The pair, which is told what is in the pages.</param>
/// <param name="index">Which of the device's.</param>
/// <param name="page">Its first page, guest-physical.</param>
/// <param name="doorbell">Where the device is told of a request.</param>
/// <param name="size">How many descriptors, and requests, fit into its rings.</param>
internal sealed class Virtqueue(MigrationPair pair, ushort index, uint page, ulong doorbell, ushort size = Virtqueue.Size)
{
    /// <summary>The size of one whose driver makes one request at a time: virtio-rng has no larger.</summary>
    public const ushort Size = 8;

    /// <summary>How many pages it takes.</summary>
    public const int Pages = 3;

    private const int PageSize = 4096;
    private const int DescriptorBytes = 16;
    private const byte NoInterrupts = 1;
    private const byte NotToBeTold = 1;
    private const ushort Continues = 1;
    private const ushort ForDevice = 2;
    private const int RingAt = 4;
    private const int UsedBytes = 8;
    private readonly byte[] _descriptors = new byte[PageSize];
    private readonly byte[] _available = new byte[PageSize];
    private readonly byte[] _used = new byte[PageSize];
    private readonly List<uint> _heads = [];
    private ushort _made;

    /// <summary>The page of its descriptors.</summary>
    public uint Descriptors => page;

    /// <summary>The page of what is available to the device.</summary>
    public uint Available => page + PageSize;

    /// <summary>The page of what the device has used.</summary>
    public uint Used => page + (2 * PageSize);

    /// <summary>Hands the device a request and tells it.</summary>
    /// <param name="buffers">What it is made of, in order; the device writes to those at the end.</param>
    public void Submit(params (uint Address, int Bytes, bool Written)[] buffers) => SubmitAll([buffers]);

    /// <summary>Hands the device several requests, and tells it once.</summary>
    /// <param name="requests">What each is made of, as in <see cref="Submit"/>.</param>
    public void SubmitAll(IReadOnlyList<(uint Address, int Bytes, bool Written)[]> requests)
    {
        PlaceAll(requests);
        Tell();
    }

    /// <summary>Makes a request available, but does not tell the device.</summary>
    /// <param name="buffers">What it is made of, as in <see cref="Submit"/>.</param>
    public void Place(params (uint Address, int Bytes, bool Written)[] buffers) => PlaceAll([buffers]);

    /// <summary>Tells the device that no interrupt is wanted for what it has done. To be called before the device works.</summary>
    /// <param name="when">When that is.</param>
    public void WantNoInterrupts(string when)
    {
        _available[0] = NoInterrupts;
        QTest.Write(Available, _available);
        Expect(when);
    }

    /// <summary>Tells the device to look what is available.</summary>
    public void Tell() => QTest.Write(doorbell, [(byte)index, (byte)(index >> 8)]);

    /// <summary>Makes more requests available than there can be, and tells the device, which must do nothing more. <see cref="Place"/> mends the ring.</summary>
    public void Break()
    {
        var tooMany = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(tooMany, (ushort)(_made + size + 1));
        QTest.Write(Available + 2, tooMany);
        Tell();
    }

    /// <summary>How many requests the device says that it has done, since it was set up.</summary>
    public ushort Done => BinaryPrimitives.ReadUInt16LittleEndian(QTest.Read(Used + 2, sizeof(ushort)));

    /// <summary>Whether the device wants to be told of requests: not while it looks for them all the time.</summary>
    public bool WantsToBeTold => (QTest.Read(Used, sizeof(ushort))[0] & NotToBeTold) == 0;

    /// <summary>Expects its pages to be as they are while nothing is done of what was submitted last.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    public void Expect(string when)
    {
        pair.Expect(Descriptors, _descriptors.ToArray(), $"for its virtio device, {when}");
        pair.Expect(Available, _available.ToArray(), $"for its virtio device, {when}");
        pair.Expect(Used, _used.ToArray(), $"by its virtio device, {when}");
    }

    /// <summary>Expects its pages to be as they are while the device says that it need not be told of requests.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    public void ExpectWantsNotToBeTold(string when) => ExpectFlags(NotToBeTold, when);

    /// <summary>Expects its pages to be as they are while the device wants to be told of requests.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    public void ExpectWantsToBeTold(string when) => ExpectFlags(0, when);

    private void ExpectFlags(byte flags, string when)
    {
        _used[0] = flags;
        Expect(when);
    }

    private void PlaceAll(IReadOnlyList<(uint Address, int Bytes, bool Written)[]> requests)
    {
        Array.Clear(_descriptors);
        _heads.Clear();
        var number = 0;
        foreach (var buffers in requests)
        {
            _heads.Add((uint)number);
            BinaryPrimitives.WriteUInt16LittleEndian(_available.AsSpan(RingAt + (_made % size * sizeof(ushort))), (ushort)number);
            _made++;
            var end = number + buffers.Length;
            foreach (var buffer in buffers)
            {
                var descriptor = _descriptors.AsSpan(number * DescriptorBytes);
                var last = ++number == end;
                BinaryPrimitives.WriteUInt64LittleEndian(descriptor, buffer.Address);
                BinaryPrimitives.WriteUInt32LittleEndian(descriptor[8..], (uint)buffer.Bytes);
                BinaryPrimitives.WriteUInt16LittleEndian(descriptor[12..], (ushort)((last ? 0 : Continues) | (buffer.Written ? ForDevice : 0)));
                BinaryPrimitives.WriteUInt16LittleEndian(descriptor[14..], (ushort)(last ? 0 : number));
            }
        }

        BinaryPrimitives.WriteUInt16LittleEndian(_available.AsSpan(2), _made);
        QTest.Write(Descriptors, _descriptors);
        QTest.Write(Available, _available);
    }

    /// <summary>Waits until the device is done with what was submitted, and expects the queue's pages to be as they are then.</summary>
    /// <param name="what">What it was to do: <c>to read a sector</c>.</param>
    /// <param name="written">How many bytes it must have written for each request.</param>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task WaitAsync(string what, int written, string when, CancellationToken ct)
    {
        ushort done = 0;
        await Poll.UntilAsync(pair.Holder.Name, $"its virtio device {what}", _ => Task.FromResult((done = Done) == _made ? this : null),
            () => $"{done} of {_made} requests are done", pair.Environment.Limits.Command, ct);
        BinaryPrimitives.WriteUInt16LittleEndian(_used.AsSpan(2), _made);
        // It may be done with them in any order.
        var heads = new List<uint>();
        for (var request = _made - _heads.Count; request < _made; request++)
        {
            var entry = RingAt + (request % size * UsedBytes);
            heads.Add(BinaryPrimitives.ReadUInt32LittleEndian(QTest.Read((ulong)(Used + entry), sizeof(uint))));
            BinaryPrimitives.WriteUInt32LittleEndian(_used.AsSpan(entry), heads[^1]);
            BinaryPrimitives.WriteUInt32LittleEndian(_used.AsSpan(entry + sizeof(uint)), (uint)written);
        }

        heads.Order().ToList().ShouldBe(_heads, "each request should be done once");
        Expect(when);
    }

    private QTest.QTestClient QTest => pair.Holder.Process.QTest!;
}
