namespace QemuMigTest.Streams;

/// <summary>Sees what is in a stream while it is read, in the stream's order. The default of each method does nothing.</summary>
public interface IStreamVisitor
{
    /// <summary>A block of RAM that the stream announces, before any of its pages.</summary>
    void Block(RamBlock block)
    {
    }

    /// <summary>A page. A page that the guest wrote to while it was migrated comes again: the last one counts.</summary>
    /// <param name="page">Which, and where in the file its content is.</param>
    /// <param name="content">As it is in the stream; valid until the method returns. See <see cref="PageKind"/>.</param>
    void Page(in StreamPage page, ReadOnlySpan<byte> content)
    {
    }
}
