namespace QemuMigTest.Streams;

/// <summary>Where in a file the last copy of each page of RAM is; filled while the stream is read.</summary>
public sealed class StreamRam : IStreamVisitor
{
    private readonly Dictionary<string, Dictionary<long, StreamPage>> _blocks = [];

    /// <inheritdoc/>
    void IStreamVisitor.Block(RamBlock block) => _blocks[block.Name] = [];

    /// <inheritdoc/>
    void IStreamVisitor.Page(in StreamPage page, ReadOnlySpan<byte> content) => _blocks[page.Block.Name][page.Address] = page;

    /// <summary>The last copy of a page, or null if the stream has none.</summary>
    /// <param name="block">The block's name.</param>
    /// <param name="address">Where in the block the page starts, bytes.</param>
    public StreamPage? Find(string block, long address) =>
        _blocks.TryGetValue(block, out var pages) && pages.TryGetValue(address, out var page) ? page : null;
}
