using System.Buffers.Binary;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A disk of virtio-blk in one file that both sides have open, as shared storage is. It is not the disk that the guest boots from.</summary>
/// <param name="pair">The pair.</param>
/// <param name="number">Which of those that it has, 0 to 2.</param>
internal sealed class VirtioDisk(MigrationPair pair, uint number = 0)
{
    /// <summary>What a sector has, bytes.</summary>
    public const int SectorBytes = 512;

    /// <summary>The feature of a driver that flushes what it must not lose. Without it each write is flushed.</summary>
    public const ulong Flushes = 1UL << 9;

    /// <summary>The sectors whose first read fails, where one does; not the first, which QEMU reads itself, and no two that it reads at once.</summary>
    public static readonly IReadOnlyList<uint> FailingSectors = [9, 21, 33];

    private const int PageSize = 4096;
    private const uint FirstQueue = 0x6_0000;
    private const uint PerDisk = 0x1_0000;
    private const uint HeadersAt = 0x4000;
    private const uint DataAt = 0x8000;
    private const ushort QueueSize = 16;
    private const int HeaderBytes = 16;
    private const int HeaderStep = 0x200;
    private const int StatusAt = 0x100;
    private const byte NotDone = 0xee;
    private const uint Read = 0;
    private const uint Write = 1;

    private readonly VirtioDevice _device = new(pair, VirtioDevice.Slot + (int)number);
    private readonly uint _queuePage = FirstQueue + (number * PerDisk);
    private readonly byte[] _headers = new byte[PageSize];
    private readonly List<(uint Page, byte[] Content)> _requests = [];
    private Virtqueue _queue = null!;
    private IReadOnlyList<(uint Page, byte[] Content)> _rest = [];
    private uint _kind;
    private int _bytes;

    /// <summary>The arguments of a side that has it.</summary>
    /// <param name="image">The image's path.</param>
    /// <param name="failsOnce">The first read of each of <see cref="FailingSectors"/> fails (EIO), and stops the guest.</param>
    /// <param name="format">The image's: <c>raw</c> or <c>qcow2</c>.</param>
    /// <param name="number">Which of the pair's it is.</param>
    public static QemuCommandLine Arguments(string image, bool failsOnce = false, string format = "raw", uint number = 0) => new QemuCommandLine()
        // auto-read-only, as -drive has it by itself: how the file is open then tells whether its nodes are active.
        .With("-blockdev", $"driver=file,node-name=image{number},auto-read-only=on,filename={QemuCommandLine.InList(image)}")
        .With(failsOnce ? ["-blockdev", $"driver=blkdebug,node-name=fails{number},image=image{number},{string.Join(',', FailingSectors.Select(Failing))}"] : [])
        .With("-blockdev", $"driver={format},node-name=shared{number},file={(failsOnce ? "fails" : "image")}{number}")
        .With("-device", $"virtio-blk-pci,drive=shared{number},addr={VirtioDevice.Slot + number},disable-legacy=on,rerror=stop");

    /// <summary>The device.</summary>
    public VirtioDevice Device => _device;

    /// <summary>A page for a request's data, guest-physical, that nobody else uses.</summary>
    /// <param name="index">0 to 7.</param>
    public uint Page(uint index) => _queuePage + DataAt + (index * PageSize);

    /// <summary>Starts it: once, for a migration brings all of it along.</summary>
    /// <param name="features">What its driver wants of it, such as <see cref="Flushes"/>.</param>
    public void Start(ulong features = 0)
    {
        _device.Begin(features);
        _queue = _device.AddQueue(0, _queuePage, QueueSize);
        _device.Go();
    }

    /// <summary>Asks it to read a sector into the beginning of a page, and does not wait.</summary>
    /// <param name="sector">Which.</param>
    /// <param name="page">The page, guest-physical, all zero.</param>
    /// <param name="content">What is in the sector.</param>
    public void BeginRead(uint sector, uint page, ReadOnlyMemory<byte> content) => BeginReads([(sector, page, content)]);

    /// <summary>The same with several sectors at once.</summary>
    /// <param name="requests">Which, their pages, and what is in them; at most 5.</param>
    public void BeginReads(IReadOnlyList<(uint Sector, uint Page, ReadOnlyMemory<byte> Content)> requests) => Begin(Read, requests);

    /// <summary>Asks it to read many sectors into whole pages, one behind the other, and does not wait.</summary>
    /// <param name="sector">The first.</param>
    /// <param name="page">The first page, guest-physical; all of them zero.</param>
    /// <param name="content">What is in the sectors: whole pages.</param>
    public void BeginLongRead(uint sector, uint page, ReadOnlyMemory<byte> content) => BeginLong(Read, sector, page, content);

    /// <summary>The same the other way: it writes them.</summary>
    public void BeginLongWrite(uint sector, uint page, ReadOnlyMemory<byte> content)
    {
        QTest.Write(page, content.Span);
        BeginLong(Write, sector, page, content);
    }

    /// <summary>Asks it to read a sector into the beginnings of two pages, half of it into each, and does not wait.</summary>
    /// <param name="sector">Which.</param>
    /// <param name="first">The page of its first half, guest-physical, all zero.</param>
    /// <param name="second">The page of its second half.</param>
    /// <param name="content">What is in the sector.</param>
    public void BeginScatteredRead(uint sector, uint first, uint second, ReadOnlyMemory<byte> content) =>
        Begin(Read, [(sector, first, content[..(SectorBytes / 2)])], [(first, SectorBytes / 2), (second, SectorBytes / 2)], [(second, Whole(content[(SectorBytes / 2)..]))]);

    /// <summary>Asks it to write a sector, and does not wait.</summary>
    /// <param name="sector">Which.</param>
    /// <param name="page">The page that has it, guest-physical; zero, but for what earlier calls wrote.</param>
    /// <param name="content">What is to be in the sector.</param>
    public void BeginWrite(uint sector, uint page, ReadOnlyMemory<byte> content)
    {
        QTest.Write(page, Whole(content));
        Begin(Write, [(sector, page, content)]);
    }

    /// <summary>Waits until it has done what it was asked for, without an error.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task WaitAsync(string when, CancellationToken ct)
    {
        var reads = _kind == Read;
        await _queue.WaitAsync(reads ? "to read a sector" : "to write a sector", reads ? _bytes + 1 : 1, when, ct);
        foreach (var (index, (page, content)) in _requests.Index())
        {
            var status = (index * HeaderStep) + StatusAt;
            QTest.Read(Headers + (ulong)status, 1)[0].ShouldBe((byte)0, "what the disk says of the request");
            _headers[status] = 0;
            Check(page, content);
        }

        foreach (var (page, content) in _rest)
        {
            Check(page, content);
        }

        pair.Expect(Headers, _headers.ToArray(), $"for its virtio disk, {when}");

        void Check(uint page, byte[] content)
        {
            // The oracle of memory sees it, too, and where it differs.
            var isWhole = QTest.Read(page, PageSize).AsSpan().SequenceEqual(content);
            isWhole.ShouldBeTrue(reads ? $"what the disk read, {when}, should be what is on it" : $"what the disk wrote, {when}, should stay as it was");
            pair.Expect(page, content, reads ? $"by its virtio disk, {when}" : $"for its virtio disk, {when}");
        }
    }

    private QTest.QTestClient QTest => pair.Holder.Process.QTest!;

    private uint Headers => _queuePage + HeadersAt;

    private static string Failing(uint sector, int number) =>
        $"inject-error.{number}.event=read_aio,inject-error.{number}.errno=5,inject-error.{number}.once=on,inject-error.{number}.sector={sector}";

    private static byte[] Whole(ReadOnlyMemory<byte> content)
    {
        var whole = new byte[PageSize];
        content.CopyTo(whole);
        return whole;
    }

    private void BeginLong(uint kind, uint sector, uint page, ReadOnlyMemory<byte> content) =>
        Begin(kind, [(sector, page, content[..PageSize])], [(page, content.Length)], [.. Enumerable.Range(1, (content.Length / PageSize) - 1).Select(i => (page + (uint)(i * PageSize), content.Slice(i * PageSize, PageSize).ToArray()))]);

    // What one request's data is in, where it is more than a sector's beginning of a page.
    private void Begin(uint kind, IReadOnlyList<(uint Sector, uint Page, ReadOnlyMemory<byte> Content)> requests, IReadOnlyList<(uint Address, int Bytes)>? pieces = null, IReadOnlyList<(uint Page, byte[] Content)>? rest = null)
    {
        Array.Clear(_headers);
        foreach (var (index, request) in requests.Index())
        {
            var header = _headers.AsSpan(index * HeaderStep, HeaderStep);
            BinaryPrimitives.WriteUInt32LittleEndian(header, kind);
            BinaryPrimitives.WriteUInt64LittleEndian(header[8..], request.Sector);
            header[StatusAt] = NotDone;
        }

        QTest.Write(Headers, _headers);
        _kind = kind;
        _bytes = pieces?.Sum(piece => piece.Bytes) ?? SectorBytes;
        _rest = rest ?? [];
        _requests.Clear();
        _requests.AddRange(requests.Select(request => (request.Page, Whole(request.Content))));
        _queue.SubmitAll([.. requests.Select((request, index) => ((uint, int, bool)[])
        [
            (Headers + (uint)(index * HeaderStep), HeaderBytes, false),
            .. (pieces ?? [(request.Page, SectorBytes)]).Select(piece => (piece.Address, piece.Bytes, kind == Read)),
            (Headers + (uint)((index * HeaderStep) + StatusAt), 1, true),
        ])]);
    }
}
