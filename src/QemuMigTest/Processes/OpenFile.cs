using System.Globalization;
using Mono.Unix.Native;

namespace QemuMigTest.Processes;

/// <summary>A file that a process has open (<c>/proc/PID/fd</c>, <c>/proc/PID/fdinfo</c>).</summary>
/// <param name="Path">Its path, or what the kernel says of what has none: <c>socket:[1234]</c>.</param>
/// <param name="Flags">How it was opened; the access mode and what fcntl may change.</param>
public sealed record OpenFile(string Path, OpenFlags Flags)
{
    private const OpenFlags AccessMode = OpenFlags.O_WRONLY | OpenFlags.O_RDWR;

    /// <summary>Whether it can be written to.</summary>
    public bool IsWritable => (Flags & AccessMode) != OpenFlags.O_RDONLY;

    /// <summary>Whether it goes past the page cache (O_DIRECT).</summary>
    public bool IsDirect => Flags.HasFlag(OpenFlags.O_DIRECT);

    /// <summary>All that a process has open; nothing when it has ended.</summary>
    public static IReadOnlyList<OpenFile> Of(int processId)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Select(descriptor => Read(processId, descriptor)).OfType<OpenFile>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The flags in the text of an fdinfo.</summary>
    /// <exception cref="FormatException">They are not there.</exception>
    internal static OpenFlags FlagsIn(string info)
    {
        const string Field = "flags:";
        var line = info.Split('\n').FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) ?? throw new FormatException($"fdinfo: no {Field} in: {info}");
        return (OpenFlags)Convert.ToInt32(line[Field.Length..].Trim(), 8);
    }

    // Each is closed, as often as not, while they are read.
    private static OpenFile? Read(int processId, string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget is { } target
                ? new OpenFile(target, FlagsIn(File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fdinfo/{System.IO.Path.GetFileName(descriptor)}"))))
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
