namespace QemuMigTest.Streams;

/// <summary>A block of RAM that a stream announces (a RAMBlock of QEMU: the guest's memory, a ROM, a device's memory).</summary>
public sealed record RamBlock
{
    /// <summary>Its name, such as <c>pc.ram</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How many bytes it has; a multiple of the page size.</summary>
    public required long Length { get; init; }

    /// <summary>Its guest-physical address as QEMU wrote it, with capability x-ignore-shared; else null.</summary>
    public ulong? Address { get; init; }

    /// <summary>Where in the file its first page belongs, bytes, with capability mapped-ram; else null.</summary>
    public long? PagesOffset { get; init; }

    /// <summary>Where in the file the bitmap of its pages is, bytes, with capability mapped-ram; else null.</summary>
    public long? BitmapOffset { get; init; }

    /// <summary>How many of its pages the stream has, by kind. A page that was sent twice counts twice.</summary>
    public RamPageCounts Pages { get; init; } = new();
}
