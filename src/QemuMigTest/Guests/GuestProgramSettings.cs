namespace QemuMigTest.Guests;

/// <summary>What is patched into the guest program before it is put on a disk.</summary>
/// <remarks>
/// The defaults are those of the boot block itself, and spell out as
/// <code>
/// new GuestProgramSettings
/// {
///     RegionStart = 0x100000,
///     RegionEnd = 0x6400000,
///     PageStride = 4096,
///     StampSpacing = 4,
///     PassesPerMarker = 4,
///     Suspend = false,
/// }
/// </code>
/// </remarks>
public sealed record GuestProgramSettings
{
    /// <summary>The size of what QEMU sends, and of what is checked, as one page: 4096 bytes.</summary>
    public const int PageSize = 4096;

    // UNROLLED in asm/a-b.S.
    private const int StampsAtOnce = 16;

    /// <summary>The end of the guest-physical addresses that are RAM on every machine: 2 GiB. PCI devices may be seen above.</summary>
    public const uint HighestRegionEnd = 0x8000_0000;

    /// <summary>The guest-physical address of the first byte of the test region: a multiple of 4096, not below 1 MiB.</summary>
    public uint RegionStart { get; init; } = 0x10_0000;

    /// <summary>The address after the last byte of the region: a multiple of 4096, at most 2 GiB. With <see cref="Suspend"/> the
    /// machine needs RAM at this address too.</summary>
    public uint RegionEnd { get; init; } = 0x640_0000;

    /// <summary>Bytes from one page that is dirtied to the next: a multiple of 4096, at most the size of the region.</summary>
    public uint PageStride { get; init; } = PageSize;

    /// <summary>Bytes from one stamp to the next: a power of two from 4 to 256. With 4 no byte is without meaning; a guest whose
    /// every instruction costs a microsecond (KVM that has to emulate) prepares its memory sooner with 256. Or a power of two from
    /// 4096 on, of which the region has a multiple of 16: most pages that are not dirtied are zero, and soon sent.</summary>
    public uint StampSpacing { get; init; } = 4;

    /// <summary>Passes over the region from one 'B' on the serial line to the next, 1 or more.</summary>
    public uint PassesPerMarker { get; init; } = 4;

    /// <summary>Whether the guest puts the machine (q35) to sleep, ACPI S3, after its first 'B'. It does so once: a machine that was
    /// woken, or reset, starts the program again and runs on: its counters start from zero, its stamps are those of before.</summary>
    public bool Suspend { get; init; }

    /// <summary>Bytes in the region.</summary>
    public uint RegionSize => RegionEnd - RegionStart;

    /// <summary>The address of one of the pages that are dirtied: those from the last on are the first ones again.</summary>
    internal uint DirtiedPage(uint number) => RegionStart + (number % (RegionSize / PageStride) * PageStride);

    /// <summary>Checks what the guest program relies on.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Require(RegionStart % PageSize == 0 && RegionStart >= 0x10_0000, nameof(RegionStart), RegionStart,
            "a multiple of 4096 and at least 1 MiB: below are the BIOS, its data and the program");
        Require(RegionEnd % PageSize == 0 && RegionEnd > RegionStart && RegionEnd <= HighestRegionEnd, nameof(RegionEnd), RegionEnd,
            $"a multiple of 4096, above {nameof(RegionStart)} (0x{RegionStart:x}) and at most 2 GiB");
        Require(PageStride % PageSize == 0 && PageStride > 0 && PageStride <= RegionSize, nameof(PageStride), PageStride,
            $"a multiple of 4096 and at most the size of the region (0x{RegionSize:x})");
        Require(uint.IsPow2(StampSpacing) && (StampSpacing is >= 4 and <= 256 || (StampSpacing >= PageSize && RegionSize % (StampsAtOnce * (ulong)StampSpacing) == 0)), nameof(StampSpacing), StampSpacing,
            "a power of two from 4 to 256, or from 4096 on and a sixteenth of what the region is a multiple of");
        Require(PassesPerMarker > 0, nameof(PassesPerMarker), PassesPerMarker, "1 or more");
    }

    private static void Require(bool holds, string name, uint value, string range)
    {
        if (!holds)
            throw new ArgumentException($"{name} is 0x{value:x}, and must be {range}.", name);
    }
}
