using System.Globalization;
using System.Numerics;
using System.Text;

namespace QemuMigTest.Streams;

/// <summary>Reads the sections of RAM: the list of blocks, then pages.</summary>
internal sealed class RamReader(StreamInput input, StreamConfiguration configuration, int pageSize, IStreamVisitor? visitor)
{
    private const int FlagZero = 0x02;
    private const int FlagBlocks = 0x04;
    private const int FlagPage = 0x08;
    private const int FlagEnd = 0x10;
    private const int FlagContinue = 0x20;
    private const int FlagXbzrle = 0x40;
    private const int FlagHook = 0x80;
    private const int FlagCompressed = 0x100;
    private const int FlagMultifdFlush = 0x200;
    private const byte XbzrleEncoding = 1;
    private const int PagesBetweenLooks = 1 << 14;

    private readonly Dictionary<string, RamBlock> _blocks = [];
    private RamBlock? _current;

    /// <summary>The blocks, in the stream's order.</summary>
    public IReadOnlyCollection<RamBlock> Blocks => _blocks.Values;

    /// <summary>Reads what is in one section, up to its own end mark.</summary>
    /// <param name="first">Whether it is the first, which has the list of blocks.</param>
    /// <param name="hostPageSizes">See <see cref="CommandReader.HostPageSizes"/>.</param>
    /// <param name="ct">Ends it.</param>
    public void Read(bool first, ulong? hostPageSizes, CancellationToken ct)
    {
        if (first)
        {
            ReadBlocks(hostPageSizes);
        }

        for (var pages = 0; ; pages++)
        {
            if (pages % PagesBetweenLooks == 0)
            {
                ct.ThrowIfCancellationRequested();
            }

            var offset = input.Position;
            var header = input.TakeUInt64("a page of RAM or the end of the section");
            var flags = (int)(header & (ulong)(pageSize - 1));
            var address = header - (ulong)flags;
            switch (flags & ~FlagContinue)
            {
                case FlagEnd when address == 0 && flags == FlagEnd:
                    return;
                case FlagMultifdFlush when address == 0 && flags == FlagMultifdFlush:
                    break;
                case FlagZero or FlagPage or FlagXbzrle or FlagCompressed when configuration.MappedRam:
                    throw input.Error(offset, "no page here, for with mapped-ram each has its place", $"flags 0x{flags:x}");
                case FlagZero or FlagPage or FlagXbzrle or FlagCompressed:
                    ReadPage(offset, flags, address);
                    break;
                case FlagHook:
                    throw input.Error(offset, "pages of RAM", "a hook (0x80), as RDMA has it, which cannot be read");
                case FlagBlocks:
                    throw input.Error(offset, "the list of blocks once, at the start of RAM", "it again");
                default:
                    throw input.Error(offset, "a page of RAM (one of the flags 0x2, 0x8, 0x40, 0x100, with or without 0x20), 0x200 or 0x10", $"0x{header:x16}: flags 0x{flags:x}");
            }
        }
    }

    private void ReadPage(long offset, int flags, ulong address)
    {
        var block = (flags & FlagContinue) != 0
            ? _current ?? throw input.Error(offset, "the name of a block with the first page", "a page of the same block as before")
            : ReadBlockName();
        _current = block;
        if (address >= (ulong)block.Length)
        {
            throw input.Error(offset, $"an address in '{block.Name}', below 0x{block.Length:x}", $"0x{address:x}");
        }

        var (kind, length) = (flags & ~FlagContinue) switch
        {
            FlagPage => (PageKind.Normal, pageSize),
            FlagZero => (PageKind.Zero, 1),
            FlagXbzrle => (PageKind.Xbzrle, ReadXbzrleLength()),
            _ => (PageKind.Compressed, ReadCompressedLength()),
        };
        var contentOffset = input.Position;
        var content = input.Take(length, "the content of a page");
        if (kind == PageKind.Zero && content[0] != 0)
        {
            throw input.Error(contentOffset, "the byte 0x00 of a page of zeros", $"0x{content[0]:x2}");
        }

        block.Pages.Add(kind);
        visitor?.Page(new StreamPage(block, (long)address, kind, contentOffset), content);
    }

    private int ReadXbzrleLength()
    {
        var offset = input.Position;
        var encoding = input.TakeByte("the encoding of a page");
        if (encoding != XbzrleEncoding)
        {
            throw input.Error(offset, $"XBZRLE's encoding {XbzrleEncoding}", $"{encoding}");
        }

        offset = input.Position;
        var length = input.TakeUInt16("the length of an encoded page");
        return length <= pageSize ? length : throw input.Error(offset, $"the length of an encoded page, at most {pageSize}", $"{length}");
    }

    private int ReadCompressedLength()
    {
        // What zlib's own bound allows for a page that does not compress.
        var most = pageSize + (pageSize >> 12) + (pageSize >> 14) + (pageSize >> 25) + 13;
        var offset = input.Position;
        var length = input.TakeUInt32("the length of a compressed page");
        return length > 0 && length <= most ? (int)length : throw input.Error(offset, $"the length of a compressed page, 1 to {most}", $"{length}");
    }

    private RamBlock ReadBlockName()
    {
        var offset = input.Position;
        var length = input.TakeByte("the length of a block's name");
        var bytes = input.Take(length, "the name of a block");
        Span<char> name = stackalloc char[byte.MaxValue];
        // Without a string for each: pages of different blocks may alternate.
        return Encoding.UTF8.TryGetChars(bytes, name, out var count) && _blocks.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..count], out var block)
            ? block
            : throw input.Error(offset, $"the name of one of the {_blocks.Count} blocks", StreamInput.Printable(bytes));
    }

    private void ReadBlocks(ulong? hostPageSizes)
    {
        var offset = input.Position;
        var header = input.TakeUInt64("the total length of RAM");
        if ((header & (ulong)(pageSize - 1)) != FlagBlocks || header > long.MaxValue)
        {
            throw input.Error(offset, $"the total length of RAM with flag 0x{FlagBlocks:x}", $"0x{header:x16}");
        }

        // A block on huge pages would have their size here too, and which blocks are is not in the stream.
        if (hostPageSizes is { } sizes && (!BitOperations.IsPow2(sizes) || sizes > (ulong)Math.Max(Environment.SystemPageSize, pageSize)))
        {
            throw input.Error(offset, "RAM without huge pages in a stream for postcopy", $"page sizes 0x{sizes:x}, with which the list of blocks cannot be read");
        }

        var total = (long)header - FlagBlocks;
        var left = total;
        while (left > 0)
        {
            var blockOffset = input.Position;
            var block = ReadBlock(left);
            left -= block.Length;
            if (!_blocks.TryAdd(block.Name, block))
            {
                throw input.Error(blockOffset, "each block once", $"'{block.Name}' again");
            }

            if (_blocks.Count > StreamLimits.Blocks)
            {
                throw input.Error(blockOffset, $"at most {StreamLimits.Blocks} blocks of RAM", "more");
            }
        }
    }

    private RamBlock ReadBlock(long left)
    {
        var name = input.TakeName("the name of a block of RAM");
        var offset = input.Position;
        var length = input.TakeUInt64($"the length of '{name}'");
        if (length == 0 || length % (ulong)pageSize != 0 || length > (ulong)left)
        {
            throw input.Error(offset, string.Create(CultureInfo.InvariantCulture, $"the length of '{name}', whole pages, at most 0x{left:x} of the total"), $"0x{length:x}");
        }

        var block = new RamBlock
        {
            Name = name,
            Length = (long)length,
            Address = configuration.IgnoreShared ? input.TakeUInt64($"the address of '{name}'") : null,
        };
        return configuration.MappedRam ? new MappedRamReader(input, pageSize, visitor).Read(block) : Announced(block);
    }

    private RamBlock Announced(RamBlock block)
    {
        visitor?.Block(block);
        return block;
    }
}
