using System.Buffers.Binary;
using System.Numerics;

namespace QemuMigTest.Streams;

/// <summary>Reads a block of RAM as capability mapped-ram writes it: a bitmap of its pages, and a place in the file for each.</summary>
internal sealed class MappedRamReader(StreamInput input, int pageSize, IStreamVisitor? visitor)
{
    private const uint KnownVersion = 1;
    private const int WordBits = 64;
    private const int ChunkLength = 4096;

    /// <summary>Reads what follows the block's name and length, and goes on behind its last page.</summary>
    /// <returns>The block with its places and counts.</returns>
    public RamBlock Read(RamBlock plain)
    {
        var block = ReadHeader(plain);
        visitor?.Block(block);
        var pages = block.Length / pageSize;
        var left = BitmapLength(pages);
        var bitmap = new byte[(int)Math.Min(left, ChunkLength)];
        var next = block.BitmapOffset!.Value;
        long written = 0;
        for (long firstPage = 0; left > 0; left -= bitmap.Length)
        {
            bitmap = bitmap[..(int)Math.Min(left, bitmap.Length)];
            input.MoveTo(next);
            input.Take(bitmap.Length, $"the bitmap of '{block.Name}'").CopyTo(bitmap);
            for (var i = 0; i < bitmap.Length; i += sizeof(ulong), firstPage += WordBits)
            {
                var bits = BinaryPrimitives.ReadUInt64LittleEndian(bitmap.AsSpan(i));
                var valid = (int)Math.Min(pages - firstPage, WordBits);
                if (valid < WordBits && bits >> valid != 0)
                {
                    throw input.Error(next + i, $"no bit behind the last of {pages} pages of '{block.Name}'", $"0x{bits:x16}");
                }

                written += BitOperations.PopCount(bits);
                Show(block, firstPage, bits, valid);
            }

            next += bitmap.Length;
        }

        block.Pages.Add(PageKind.Normal, written);
        block.Pages.Add(PageKind.Zero, pages - written);
        input.MoveTo(block.PagesOffset!.Value);
        input.Skip(block.Length, $"the pages of '{block.Name}'");
        return block;
    }

    private RamBlock ReadHeader(RamBlock block)
    {
        var offset = input.Position;
        var version = input.TakeUInt32("the version of mapped-ram");
        if (version != KnownVersion)
        {
            throw input.Error(offset, $"mapped-ram's version {KnownVersion}", $"{version}");
        }

        offset = input.Position;
        var itsPageSize = input.TakeUInt64("mapped-ram's page size");
        if (itsPageSize != (ulong)pageSize)
        {
            throw input.Error(offset, $"the page size {pageSize}", $"{itsPageSize}");
        }

        offset = input.Position;
        var bitmap = input.TakeUInt64("where the bitmap is");
        var pagesOffset = offset + sizeof(ulong);
        var pages = input.TakeUInt64("where the pages are");
        var bitmapLength = (ulong)BitmapLength(block.Length / pageSize);
        if (bitmap < (ulong)input.Position || bitmap > (ulong)input.End || bitmapLength > (ulong)input.End - bitmap)
        {
            throw input.Error(offset, $"a place for the bitmap, {bitmapLength} bytes between 0x{input.Position:x} and the end of the file at 0x{input.End:x}", $"0x{bitmap:x}");
        }

        if (pages < bitmap + bitmapLength || pages % (ulong)pageSize != 0 || pages > (ulong)input.End || (ulong)block.Length > (ulong)input.End - pages)
        {
            throw input.Error(pagesOffset, $"a place for 0x{block.Length:x} bytes of pages, whole pages, between 0x{bitmap + bitmapLength:x} and the end of the file at 0x{input.End:x}", $"0x{pages:x}");
        }

        return block with { BitmapOffset = (long)bitmap, PagesOffset = (long)pages };
    }

    private void Show(RamBlock block, long firstPage, ulong bits, int count)
    {
        if (visitor is null)
        {
            return;
        }

        for (var i = 0; i < count; i++)
        {
            var address = (firstPage + i) * pageSize;
            var offset = block.PagesOffset!.Value + address;
            if ((bits >> i & 1) == 0)
            {
                visitor.Page(new StreamPage(block, address, PageKind.Zero, offset), []);
                continue;
            }

            input.MoveTo(offset);
            visitor.Page(new StreamPage(block, address, PageKind.Normal, offset), input.Take(pageSize, "a page"));
        }
    }

    // Whole words of the source's host.
    private static long BitmapLength(long pages) => (pages + WordBits - 1) / WordBits * sizeof(ulong);
}
