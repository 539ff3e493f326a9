using System.Buffers.Binary;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Makes disk images of format qcow2. Source: docs/interop/qcow2.rst.</summary>
internal static class Qcow2Image
{
    private const int ClusterBits = 16;
    private const int ClusterBytes = 1 << ClusterBits;
    private const uint Magic = 0x5146_49fb;

    // Where its four clusters are; the first is the header's.
    private const int RefcountTable = ClusterBytes;
    private const int Refcounts = 2 * ClusterBytes;
    private const int L1Table = 3 * ClusterBytes;
    private const int Clusters = 4;

    /// <summary>An image of a disk to which nobody has written: none of its clusters is allocated.</summary>
    /// <param name="bytes">The disk's size, at most 512 MiB: what one entry of the L1 table is for.</param>
    /// <param name="version">2, or 3 for an image that can keep bitmaps.</param>
    public static byte[] Empty(uint bytes, uint version = 2)
    {
        var image = new byte[Clusters * ClusterBytes];
        Put(0, Magic);
        Put(4, version);
        Put(20, ClusterBits);
        Put(28, bytes);
        // The size of the L1 table, entries, and its place; the place of the refcount table, and its size, clusters.
        Put(36, 1);
        Put(44, L1Table);
        Put(52, RefcountTable);
        Put(56, 1);
        Put(RefcountTable + 4, Refcounts);
        if (version == 3)
        {
            // Refcounts of 16 bits, which version 2 has always; the header's length.
            Put(96, 4);
            Put(100, 104);
        }

        for (var cluster = 0; cluster < Clusters; cluster++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(image.AsSpan(Refcounts + (cluster * sizeof(ushort))), 1);
        }

        return image;

        // The low half where it is one of eight bytes.
        void Put(int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(at), value);
    }
}
