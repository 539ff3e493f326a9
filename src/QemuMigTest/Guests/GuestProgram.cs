using System.Buffers.Binary;

namespace QemuMigTest.Guests;

/// <summary>A boot block with its settings patched in: the first sector of the disk that a guest starts from.</summary>
/// <remarks>
/// The program prints 'A' on COM1, prepares the test region, then adds one to one byte of each page, pass after pass, and prints 'B'
/// after each <see cref="GuestProgramSettings.PassesPerMarker"/> passes. asm/a-b.S has the details; <see cref="GuestMemoryModel"/>
/// knows what memory it makes.
/// </remarks>
public sealed class GuestProgram
{
    /// <summary>Bytes in a boot block.</summary>
    public const int SectorSize = 512;

    /// <summary>Where the BIOS puts it.</summary>
    public const uint LoadAddress = 0x7c00;

    private const uint SuspendFlag = 1;

    private GuestProgram(ReadOnlyMemory<byte> image, GuestSymbols symbols, GuestProgramSettings settings)
    {
        Image = image;
        Symbols = symbols;
        Settings = settings;
    }

    /// <summary>The sector, 512 bytes, settings included.</summary>
    public ReadOnlyMemory<byte> Image { get; }

    /// <summary>The program's symbols.</summary>
    public GuestSymbols Symbols { get; }

    /// <summary>The settings that <see cref="Image"/> holds.</summary>
    public GuestProgramSettings Settings { get; }

    /// <summary>The program of asm/a-b.S with these settings.</summary>
    /// <exception cref="ArgumentException">The settings are not valid.</exception>
    /// <exception cref="GuestException">The boot block that was built in is not the one its symbols are of.</exception>
    public static GuestProgram AB(GuestProgramSettings settings)
    {
        using var symbols = new StreamReader(Resource("bootblocks/a-b.sym"));
        using var image = new MemoryStream();
        using var sector = Resource("bootblocks/a-b.bin");
        sector.CopyTo(image);
        return Patch(image.ToArray(), GuestSymbols.Parse(symbols.ReadToEnd()), "A-B1"u8, settings);
    }

    /// <summary>A copy of a boot block with settings patched in.</summary>
    /// <exception cref="ArgumentException">The settings are not valid.</exception>
    /// <exception cref="GuestException">It is no boot block, or its magic is not where the symbols say.</exception>
    internal static GuestProgram Patch(
        ReadOnlySpan<byte> bootBlock, GuestSymbols symbols, ReadOnlySpan<byte> magic, GuestProgramSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        settings.Validate();
        if (bootBlock.Length != SectorSize || !bootBlock.EndsWith<byte>([0x55, 0xaa]))
        {
            throw new GuestException(
                $"The boot block is {bootBlock.Length} bytes and ends with {Convert.ToHexStringLower(bootBlock[^Math.Min(2, bootBlock.Length)..])}; "
                + $"a BIOS starts {SectorSize} bytes that end with 55aa. Assemble it again.");
        }

        var image = bootBlock.ToArray();
        var seen = Field(image, symbols, "magic");
        if (!seen.SequenceEqual(magic))
        {
            throw new GuestException(
                $"At 0x{symbols["magic"]:x}, the symbol 'magic', the boot block has {Convert.ToHexStringLower(seen)} and not "
                + $"{Convert.ToHexStringLower(magic)}: it and its symbols are not from one assembly. Assemble it again.");
        }

        Set(image, symbols, "region_start", settings.RegionStart);
        Set(image, symbols, "region_end", settings.RegionEnd);
        Set(image, symbols, "page_stride", settings.PageStride);
        Set(image, symbols, "stamp_spacing", settings.StampSpacing);
        Set(image, symbols, "passes_per_marker", settings.PassesPerMarker);
        Set(image, symbols, "flags", settings.Suspend ? SuspendFlag : 0);
        return new GuestProgram(image, symbols, settings);
    }

    internal static Stream Resource(string name) => typeof(GuestProgram).Assembly.GetManifestResourceStream(name)
        ?? throw new GuestException($"The library was built without its resource {name}.");

    private static void Set(byte[] image, GuestSymbols symbols, string name, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(Field(image, symbols, name), value);

    private static Span<byte> Field(byte[] image, GuestSymbols symbols, string name)
    {
        var offset = (long)symbols[name] - LoadAddress;
        return offset is >= 0 and <= SectorSize - sizeof(uint)
            ? image.AsSpan((int)offset, sizeof(uint))
            : throw new GuestException($"The symbol '{name}', 0x{symbols[name]:x}, is not in the boot block. Assemble it again.");
    }
}
