using System.Globalization;

namespace QemuMigTest.Streams;

/// <summary>A file is no migration stream, or a damaged, truncated or unknown one: where, what was expected there, and what was seen.</summary>
public sealed class StreamFormatException : QemuMigTestException
{
    /// <param name="offset">Where in the file, bytes from its beginning.</param>
    /// <param name="expected">What belongs there.</param>
    /// <param name="seen">What is there.</param>
    /// <param name="file">The file's path, or null for a stream in memory.</param>
    /// <param name="innerException">What led to it, or null.</param>
    public StreamFormatException(long offset, string expected, string seen, string? file = null, Exception? innerException = null)
        : base(Describe(offset, expected, seen, file), innerException)
    {
        Offset = offset;
        Expected = expected;
        Seen = seen;
    }

    /// <summary>Where in the file, bytes from its beginning (not from the stream's, where that lies behind an offset).</summary>
    public long Offset { get; }

    /// <summary>What belongs there.</summary>
    public string Expected { get; }

    /// <summary>What is there.</summary>
    public string Seen { get; }

    private static string Describe(long offset, string expected, string seen, string? file) =>
        string.Create(CultureInfo.InvariantCulture, $"{(file is null ? "" : $"{file}: ")}at offset 0x{offset:x} ({offset}): expected {expected}; found {seen}.");
}
