using System.Buffers.Binary;

namespace QemuMigTest.Streams;

/// <summary>Finds the description at the end of a stream. Without it nobody but the device knows how long its state is.</summary>
internal static class DescriptionFinder
{
    /// <summary>What stands before the JSON: the mark of the part, and its length in four bytes.</summary>
    public const int HeaderLength = 5;

    private const byte FirstPrintable = 0x20;
    private const int WindowLength = 64 * 1024;

    /// <summary>The JSON and where in the file it starts; or null if the file does not end with one.</summary>
    public static (long JsonOffset, byte[] Json)? Find(StreamSource source, long streamStart)
    {
        foreach (var brace in Candidates(source, streamStart))
        {
            var header = new byte[HeaderLength + 1];
            var offset = brace - HeaderLength;
            if (offset < streamStart || source.Read(header, offset) != header.Length || header[0] != StreamMark.Description || header[HeaderLength] != '{')
            {
                continue;
            }

            var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1));
            if (length != source.Length - brace || length > StreamLimits.DescriptionBytes)
            {
                continue;
            }

            var json = new byte[length];
            return source.Read(json, brace) == json.Length ? (brace, json) : null;
        }

        return null;
    }

    // QEMU's JSON has no control character, the header in front of it has one at least: its first byte.
    // The others of the header may be printable, so that the JSON may start at each of the next places.
    private static IEnumerable<long> Candidates(StreamSource source, long streamStart)
    {
        var window = new byte[WindowLength];
        var end = source.Length;
        var first = Math.Max(streamStart, end - StreamLimits.DescriptionBytes - HeaderLength);
        while (end > first)
        {
            var start = Math.Max(first, end - WindowLength);
            var count = source.Read(window.AsSpan(0, (int)(end - start)), start);
            var control = LastControlCharacter(window.AsSpan(0, count));
            if (control >= 0)
            {
                return Enumerable.Range(1, HeaderLength).Select(distance => start + control + distance).ToArray();
            }

            end = start;
        }

        return [];
    }

    private static int LastControlCharacter(ReadOnlySpan<byte> bytes) => bytes.LastIndexOfAnyInRange((byte)0, (byte)(FirstPrintable - 1));
}
