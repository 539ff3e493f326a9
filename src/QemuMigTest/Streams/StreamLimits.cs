namespace QemuMigTest.Streams;

/// <summary>What no real stream exceeds, so that a hostile one ends in an error and not in hours or gigabytes.</summary>
internal static class StreamLimits
{
    /// <summary>Parts of a stream, equal ones that follow each other counted once.</summary>
    public const int Parts = 1 << 16;

    /// <summary>Blocks of RAM.</summary>
    public const int Blocks = 1 << 16;

    /// <summary>Bytes of the description. A vCPU has about 20 KiB of it.</summary>
    public const int DescriptionBytes = 32 << 20;

    /// <summary>How deep the description is nested.</summary>
    public const int DescriptionDepth = 64;

    /// <summary>Fields of all devices, an array of plain values counted once.</summary>
    public const int Fields = 1 << 22;

    /// <summary>Bytes of a machine type's name.</summary>
    public const int MachineTypeBytes = 1024;

    /// <summary>Capabilities in the configuration.</summary>
    public const int Capabilities = 256;

    /// <summary>The smallest and largest page size of any target, as binary logarithms. Below the smallest are a page's flags.</summary>
    public const int MinPageBits = 10;

    public const int MaxPageBits = 16;
}
