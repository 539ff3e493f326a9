namespace QemuMigTest.Streams;

/// <summary>How a page of RAM is written in a stream.</summary>
public enum PageKind
{
    /// <summary>All its bytes are zero. The content is the one byte that says so; empty with mapped-ram, which leaves such pages out.</summary>
    Zero,

    /// <summary>The content is the whole page.</summary>
    Normal,

    /// <summary>The content is what changed since the page was sent before (capability xbzrle).</summary>
    Xbzrle,

    /// <summary>The content is the page, compressed by zlib (capability compress, to 9.0).</summary>
    Compressed,
}
