namespace QemuMigTest.Conformance.Devices;

/// <summary>The queue of a virtio-rng, and pages that it fills with what nobody knows before.</summary>
internal sealed class Entropy
{
    private const int PageSize = 4096;
    private const int Bytes = 1024;
    private const uint BuffersAt = 0x4000;
    private readonly MigrationPair _pair;
    private uint _buffer;

    /// <param name="pair">The pair.</param>
    /// <param name="device">The device, which has agreed on its features and does not work yet.</param>
    /// <param name="page">The first of eight pages, guest-physical, that nobody else uses: the queue's, and from the fifth those that are filled.</param>
    public Entropy(MigrationPair pair, VirtioDevice device, uint page)
    {
        (_pair, _buffer) = (pair, page + BuffersAt);
        Queue = device.AddQueue(0, page);
    }

    /// <summary>The queue.</summary>
    public Virtqueue Queue { get; }

    /// <summary>What one request asks for, which is in the next page.</summary>
    public (uint Address, int Bytes, bool Written) Next => (_buffer, Bytes, true);

    /// <summary>Has it fill a page: up to four in all.</summary>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task FillAsync(string when, CancellationToken ct)
    {
        Queue.Submit(Next);
        await Queue.WaitAsync("to give entropy", Bytes, when, ct);
        var content = _pair.Holder.Process.QTest!.Read(_buffer, PageSize);
        content.AsSpan(0, Bytes).ContainsAnyExcept((byte)0).ShouldBeTrue("it should be entropy");
        _pair.Expect(_buffer, content, $"by its virtio device, {when}");
        _buffer += PageSize;
    }
}
