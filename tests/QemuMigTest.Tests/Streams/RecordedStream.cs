using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using QemuMigTest.Streams;

namespace QemuMigTest.Tests.Streams;

/// <summary>Streams that real QEMUs wrote: <c>-M q35,acpi=off -m 1M</c> with a BIOS of zeros, and <c>-M none</c> with a UUID.</summary>
internal static class RecordedStream
{
    public static byte[] Load(string name)
    {
        using var packed = typeof(RecordedStream).Assembly.GetManifestResourceStream(name)!;
        using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        unpacked.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The stream of <c>-M none</c> with another description.</summary>
    public static byte[] Described(string json)
    {
        var bytes = Load("none-11.1");
        var start = (int)MigrationStream.Read(bytes).Description!.Offset - sizeof(uint);
        var length = new byte[sizeof(uint)];
        BinaryPrimitives.WriteInt32BigEndian(length, json.Length);
        return [.. bytes[..start], .. length, .. Encoding.ASCII.GetBytes(json)];
    }
}
