using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Drives a virtio-mem as a guest would, by qtest, and knows what is in the memory that it has plugged.</summary>
internal sealed class PluggableMemory
{
    /// <summary>How many blocks it has.</summary>
    public const int Blocks = 6;

    /// <summary>The size of each.</summary>
    public const uint BlockBytes = 2 << 20;

    private const int PageSize = 4096;
    private const uint Queue = 0x6_0000;
    private const uint Requests = 0x6_4000;
    private const int AnswerAt = 0x100;
    private const ulong UnpluggedIsInaccessible = 1UL << 1;

    // Of its configuration.
    private const int AddressAt = 16;
    private const int PluggedSizeAt = 40;

    // A request: what (2 bytes), from where on, how many blocks. Its answer: whether it was done, and how the blocks are.
    private const ushort Plug = 0;
    private const ushort Unplug = 1;
    private const ushort AskState = 3;
    private const int FromAt = 8;
    private const int CountAt = 16;
    private const int RequestBytes = 24;
    private const int AnswerBytes = 10;
    private const int StateAt = 8;
    private const long Largest = MigrationPair.GuestMemoryBytes + (256L << 20);
    private const ushort Done = 0;
    private const ushort Busy = 2;
    private const ushort IsPlugged = 0;
    private readonly MigrationPair _pair;
    private readonly DevicePages _pages;
    private readonly Virtqueue _queue;
    private readonly ulong _start;
    private readonly Dictionary<ulong, byte[]> _contents = [];

    /// <param name="pair">The pair, started with <see cref="Arguments"/>.</param>
    public PluggableMemory(MigrationPair pair)
    {
        (_pair, _pages, Device) = (pair, new(pair), new(pair));
        Device.Begin(UnpluggedIsInaccessible);
        _queue = Device.AddQueue(0, Queue);
        Device.Go();
        _start = Device.ReadConfiguration(AddressAt, sizeof(ulong));
    }

    /// <summary>What a QEMU needs for it.</summary>
    public static QemuCommandLine Arguments { get; } = new QemuCommandLine()
        .With("-m", string.Create(CultureInfo.InvariantCulture, $"{MigrationPair.GuestMemoryBytes >> 20}M,maxmem={Largest >> 20}M"))
        // Before the other: a block of RAM that is larger than an earlier one ends a source under TCG (docs/findings.md).
        .With("-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-ram,id=main,size={MigrationPair.GuestMemoryBytes}"))
        .With("-machine", "memory-backend=main")
        .With("-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-ram,id=pluggable,size={Blocks * BlockBytes}"))
        .With("-device", string.Create(CultureInfo.InvariantCulture, $"virtio-mem-pci,memdev=pluggable,addr={VirtioDevice.Slot},requested-size={Blocks * BlockBytes},block-size={BlockBytes},unplugged-inaccessible=on"));

    /// <summary>The device.</summary>
    public VirtioDevice Device { get; }

    /// <summary>What the device says that is plugged, bytes.</summary>
    public ulong PluggedBytes => Device.ReadConfiguration(PluggedSizeAt, sizeof(ulong));

    /// <summary>Plugs a block.</summary>
    public Task PlugAsync(uint block, string when, CancellationToken ct) => AskAsync(Plug, block, $"to plug block {block}", when, ct);

    /// <summary>Has a block plugged, which the device does not do now: it is busy.</summary>
    public Task SeePlugRefusedAsync(uint block, string when, CancellationToken ct) => AskAsync(Plug, block, $"to plug block {block}", when, ct, Busy);

    /// <summary>Unplugs a block: what is in it is gone.</summary>
    public Task UnplugAsync(uint block, string when, CancellationToken ct)
    {
        PagesOf(block).ToList().ForEach(page => _contents.Remove(page));
        return AskAsync(Unplug, block, $"to unplug block {block}", when, ct);
    }

    /// <summary>Asks the device whether a block is plugged.</summary>
    public async Task<bool> IsPluggedAsync(uint block, CancellationToken ct) => await AskAsync(AskState, block, $"to tell how block {block} is", "after the migration", ct) == IsPlugged;

    /// <summary>Fills a block's first and last page with noise.</summary>
    public void Fill(uint block) => EndsOf(block).ToList().ForEach(Fill);

    /// <summary>Fills a page in a block's middle with noise.</summary>
    public void FillMiddle(uint block) => Fill(MiddleOf(block));

    /// <summary>What is in its pages now, to be looked at later.</summary>
    public IReadOnlyDictionary<ulong, byte[]> Contents => new Dictionary<ulong, byte[]>(_contents);

    /// <summary>The first, middle and last pages of all blocks are as they must be where the guest is: zero where nobody has written to them, or where they were unplugged.</summary>
    public void Check() => Check(_pair.Holder, _contents);

    /// <summary>They are on a side as they were.</summary>
    /// <param name="side">The side.</param>
    /// <param name="contents">What was in them: <see cref="Contents"/>.</param>
    public void Check(MigrationSide side, IReadOnlyDictionary<ulong, byte[]> contents)
    {
        for (uint block = 0; block < Blocks; block++)
        {
            foreach (var page in PagesOf(block))
            {
                var seen = side.Process.QTest!.Read(page, PageSize);
                var isRight = seen.AsSpan().SequenceEqual(contents.GetValueOrDefault(page, new byte[PageSize]));
                isRight.ShouldBeTrue($"{side.Name}: page 0x{page:x}, of block {block}, should {(contents.ContainsKey(page) ? $"have what was written there, and {(seen.All(value => value == 0) ? "is zero" : "has something else")}" : "be zero: nobody had written there, or it is not plugged")}");
            }
        }
    }

    private void Fill(ulong page)
    {
        _contents[page] = RandomNumberGenerator.GetBytes(PageSize);
        _pair.Holder.Process.QTest!.Write(page, _contents[page]);
    }

    private ulong MiddleOf(uint block) => _start + (block * BlockBytes) + (BlockBytes / 2);

    private IEnumerable<ulong> EndsOf(uint block) => [_start + (block * BlockBytes), _start + ((block + 1) * BlockBytes) - PageSize];

    private IEnumerable<ulong> PagesOf(uint block) => [.. EndsOf(block), MiddleOf(block)];

    private async Task<ushort> AskAsync(ushort type, uint block, string what, string when, CancellationToken ct, ushort answer = Done)
    {
        var page = new byte[PageSize];
        BinaryPrimitives.WriteUInt16LittleEndian(page, type);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(FromAt), _start + (block * BlockBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(page.AsSpan(CountAt), 1);
        page.AsSpan(AnswerAt, AnswerBytes).Fill(byte.MaxValue);
        _pages.Put(Requests, page, when);
        _queue.Submit((Requests, RequestBytes, false), (Requests + AnswerAt, AnswerBytes, true));
        await _queue.WaitAsync(what, AnswerBytes, when, ct);
        _pair.Holder.Process.QTest!.Read(Requests + AnswerAt, AnswerBytes).CopyTo(page, AnswerAt);
        _pair.Expect(Requests, page, $"by its virtio device, {when}");
        BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(AnswerAt)).ShouldBe(answer, $"its answer when it was asked {what}, {when}");
        return BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(AnswerAt + StateAt));
    }
}
