using System.Buffers.Binary;
using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A virtio-iommu and its driver, which waits for each request and wants it to succeed.</summary>
internal sealed class VirtioIommu
{
    private const int PageSize = 4096;
    private const byte Attach = 1;
    private const byte Detach = 2;
    private const byte Map = 3;
    private const uint ReadWrite = 3;
    private const int StatusBytes = 4;
    private const byte NotDone = 0xee;
    private readonly MigrationPair _pair;
    private readonly DevicePages _pages;
    private readonly Virtqueue _queue;
    private readonly uint _requests;

    /// <param name="pair">The pair; it is told of all pages that are written.</param>
    /// <param name="page">The first of the pages of its queue and its requests, guest-physical, all zero.</param>
    public VirtioIommu(MigrationPair pair, uint page)
    {
        (_pair, _pages, _requests) = (pair, new(pair), page + (Virtqueue.Pages * (uint)PageSize));
        var device = new VirtioDevice(pair);
        device.Begin(features: 0);
        _queue = device.AddQueue(0, page);
        device.Go();
    }

    /// <summary>Attaches an endpoint, a PCI function of bus 0, to a domain, which there is from then on.</summary>
    public Task AttachAsync(uint domain, uint endpoint, CancellationToken ct) => DoAsync($"to attach endpoint 0x{endpoint:x}", [.. Head(Attach, domain), .. Bytes(endpoint), .. new byte[8]], ct);

    /// <summary>Detaches it; a domain goes with its last.</summary>
    public Task DetachAsync(uint domain, uint endpoint, CancellationToken ct) => DoAsync($"to detach endpoint 0x{endpoint:x}", [.. Head(Detach, domain), .. Bytes(endpoint), .. new byte[8]], ct);

    /// <summary>Has a domain's endpoints see memory elsewhere, to read and to write.</summary>
    public Task MapAsync(uint domain, uint seen, uint at, int bytes, CancellationToken ct) =>
        DoAsync($"to map 0x{seen:x}", [.. Head(Map, domain), .. Bytes(seen), .. Bytes(0), .. Bytes(seen + (uint)bytes - 1), .. Bytes(0), .. Bytes(at), .. Bytes(0), .. Bytes(ReadWrite)], ct);

    private static byte[] Head(byte type, uint domain) => [type, 0, 0, 0, .. Bytes(domain)];

    private static byte[] Bytes(uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private async Task DoAsync(string what, byte[] request, CancellationToken ct)
    {
        var when = _pair.Holder == _pair.Source ? "before the migration" : "after the migration";
        var page = new byte[PageSize];
        request.CopyTo(page, 0);
        page.AsSpan(request.Length, StatusBytes).Fill(NotDone);
        _pages.Put(_requests, page, when);
        _queue.Submit((_requests, request.Length, false), (_requests + (uint)request.Length, StatusBytes, true));
        await _queue.WaitAsync(what, StatusBytes, when, ct);
        _pair.Holder.Process.QTest!.Read(_requests + (ulong)request.Length, 1)[0].ShouldBe((byte)0, $"the IOMMU's status of what it was asked, {what}, {when}");
        page.AsSpan(request.Length, StatusBytes).Clear();
        _pages.Put(_requests, page, when);
    }
}
