using System.Buffers.Text;
using System.Text;

namespace QemuMigTest.Processes;

/// <summary>How much memory of its own a process has (<c>/proc/PID/smaps</c>, anonymous pages).</summary>
public static class MemoryUse
{
    /// <summary>Reads the sum over all mappings that are smaller than a limit: of a QEMU, all but the guest's RAM and the code that TCG has translated.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="limit">Mappings of this size, in bytes, and larger ones are left out.</param>
    /// <returns>KiB; null when the process has ended.</returns>
    public static long? ReadBelow(int processId, long limit) => Read(processId, 0, limit);

    /// <summary>Reads the sum over all mappings that are as large as a limit, or larger: of a QEMU, the guest's RAM and the code that TCG has translated.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="limit">Mappings of this size, in bytes, and larger ones are counted.</param>
    /// <returns>KiB; null when the process has ended.</returns>
    public static long? ReadFrom(int processId, long limit) => Read(processId, limit, long.MaxValue);

    /// <summary>Reads how the kernel was told to treat the mappings that are as large as a limit, or larger (<c>VmFlags</c>, since Linux 3.8): <c>nh</c> for no huge pages, <c>um</c> and <c>uw</c> for a userfaultfd.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="least">Mappings of this size, in bytes, and larger ones are looked at.</param>
    /// <returns>The flags that any of them has; none when the process has ended.</returns>
    public static IReadOnlySet<string> FlagsFrom(int processId, long least)
    {
        try
        {
            return Flags(File.ReadAllBytes($"/proc/{processId}/smaps"), least);
        }
        catch (IOException)
        {
            return new HashSet<string>();
        }
    }

    internal static IReadOnlySet<string> Flags(ReadOnlySpan<byte> smaps, long least)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in new Lines(smaps, least, long.MaxValue, "VmFlags:"u8))
        {
            found.UnionWith(Encoding.ASCII.GetString(line).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        }

        return found;
    }

    internal static long Sum(ReadOnlySpan<byte> smaps, long least, long limit)
    {
        var total = 0L;
        foreach (var line in new Lines(smaps, least, limit, "Anonymous:"u8))
        {
            total += Number(line.TrimStart((byte)' '), 'D', out _);
        }

        return total;
    }

    private static long? Read(int processId, long least, long limit)
    {
        try
        {
            return Sum(File.ReadAllBytes($"/proc/{processId}/smaps"), least, limit);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long SizeOf(ReadOnlySpan<byte> mapping)
    {
        var start = Number(mapping, 'x', out var digits);
        return Number(mapping[(digits + 1)..], 'x', out _) - start;
    }

    private static long Number(ReadOnlySpan<byte> text, char format, out int digits) => Utf8Parser.TryParse(text, out ulong number, out digits, format)
        ? (long)number
        : throw new FormatException($"smaps: no number where one was expected: {Encoding.UTF8.GetString(text)}");

    // What is said under one heading of the mappings between two sizes. Some 14000 lines, after every test: no string is made of any.
    private ref struct Lines(ReadOnlySpan<byte> smaps, long least, long limit, ReadOnlySpan<byte> heading)
    {
        private readonly ReadOnlySpan<byte> _smaps = smaps;
        private readonly ReadOnlySpan<byte> _heading = heading;
        private MemoryExtensions.SpanSplitEnumerator<byte> _ranges = smaps.Split((byte)'\n');
        private bool _counts;

        public ReadOnlySpan<byte> Current { get; private set; }

        public readonly Lines GetEnumerator() => this;

        public bool MoveNext()
        {
            while (_ranges.MoveNext())
            {
                var line = _smaps[_ranges.Current];
                if (line.IsEmpty)
                {
                    continue;
                }

                // What is said of a mapping begins with a capital letter, and a mapping with its first address.
                if (line[0] is < (byte)'A' or > (byte)'Z')
                {
                    _counts = SizeOf(line) is var size && size >= least && size < limit;
                }
                else if (_counts && line.StartsWith(_heading))
                {
                    Current = line[_heading.Length..];
                    return true;
                }
            }

            return false;
        }
    }
}
