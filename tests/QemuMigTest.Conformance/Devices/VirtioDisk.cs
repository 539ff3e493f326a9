using System.Buffers.Binary;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A disk of virtio-blk in one file that both sides have open, as shared storage is. It is not the disk that the guest boots from.</summary>
/// <param name="pair">The pair.</param>
internal sealed class VirtioDisk(MigrationPair pair)
{
    /// <summary>What a sector has, bytes.</summary>
    public const int SectorBytes = 512;

    /// <summary>The sector whose first read fails, where one does; not the first, which QEMU reads itself.</summary>
    public const int FailingSector = 9;

    private const int PageSize = 4096;
    private const uint Queue = 0x6_0000;
    private const uint Header = 0x6_4000;
    private const int HeaderBytes = 16;
    private const int StatusAt = 0x100;
    private const byte NotDone = 0xee;
    private const uint Read = 0;
    private const uint Write = 1;

    private readonly VirtioDevice _device = new(pair);
    private Virtqueue _queue = null!;
    private (uint Page, byte[] Content, byte[] Header, bool Reads) _request;

    /// <summary>The arguments of a side that has it.</summary>
    /// <param name="image">The image's path.</param>
    /// <param name="failsOnce">The first read of <see cref="FailingSector"/> fails (EIO), and stops the guest.</param>
    public static QemuCommandLine Arguments(string image, bool failsOnce = false) => new QemuCommandLine()
        .With("-blockdev", $"driver=file,node-name=image,filename={QemuCommandLine.InList(image)}")
        .With(failsOnce ? ["-blockdev", $"driver=blkdebug,node-name=fails,image=image,inject-error.0.event=read_aio,inject-error.0.errno=5,inject-error.0.once=on,inject-error.0.sector={FailingSector}"] : [])
        .With("-blockdev", $"driver=raw,node-name=shared,file={(failsOnce ? "fails" : "image")}")
        .With("-device", $"virtio-blk-pci,drive=shared,addr={VirtioDevice.Slot},disable-legacy=on,rerror=stop");

    /// <summary>The device.</summary>
    public VirtioDevice Device => _device;

    /// <summary>Starts it: once, for a migration brings all of it along.</summary>
    public void Start()
    {
        _device.Begin(features: 0);
        _queue = _device.AddQueue(0, Queue);
        _device.Go();
    }

    /// <summary>Asks it to read a sector into the beginning of a page, and does not wait.</summary>
    /// <param name="sector">Which.</param>
    /// <param name="page">The page, guest-physical, all zero.</param>
    /// <param name="content">What is in the sector.</param>
    public void BeginRead(uint sector, uint page, ReadOnlySpan<byte> content)
    {
        var whole = new byte[PageSize];
        content.CopyTo(whole);
        Begin(Read, sector, page, whole);
    }

    /// <summary>Asks it to write a sector, and does not wait.</summary>
    /// <param name="sector">Which.</param>
    /// <param name="page">The page that has it, guest-physical; zero, but for what earlier calls wrote.</param>
    /// <param name="content">What is to be in the sector.</param>
    public void BeginWrite(uint sector, uint page, ReadOnlySpan<byte> content)
    {
        var whole = new byte[PageSize];
        content.CopyTo(whole);
        QTest.Write(page, whole);
        Begin(Write, sector, page, whole);
    }

    /// <summary>Waits until it has done what it was asked for, without an error.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task WaitAsync(string when, CancellationToken ct)
    {
        var (page, content, header, reads) = _request;
        await _queue.WaitAsync(reads ? "to read a sector" : "to write a sector", reads ? SectorBytes + 1 : 1, when, ct);
        QTest.Read(Header + StatusAt, 1)[0].ShouldBe((byte)0, "what the disk says of the request");
        header[StatusAt] = 0;
        pair.Expect(Header, header, $"for its virtio disk, {when}");
        pair.Expect(page, content, reads ? $"by its virtio disk, {when}" : $"for its virtio disk, {when}");
    }

    private QTest.QTestClient QTest => pair.Holder.Process.QTest!;

    private void Begin(uint kind, uint sector, uint page, byte[] content)
    {
        var header = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(header, kind);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        header[StatusAt] = NotDone;
        QTest.Write(Header, header);
        _request = (page, content, header, kind == Read);
        _queue.Submit((Header, HeaderBytes, false), (page, SectorBytes, kind == Read), (Header + StatusAt, 1, true));
    }
}
