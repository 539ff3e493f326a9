using System.Globalization;
using QemuMigTest.Hosts;

namespace QemuMigTest.Results;

/// <summary>The machine of a run.</summary>
public sealed record HostRecord
{
    /// <summary>The kernel's release: <c>6.1.0-18-amd64</c>.</summary>
    public required string Kernel { get; init; }

    /// <summary>The distribution's name for people: <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public required string Distribution { get; init; }

    /// <summary>The model of the first processor.</summary>
    public required string CpuModel { get; init; }

    /// <summary>How many processors this process may use.</summary>
    public required int Cpus { get; init; }

    /// <summary>The machine's memory, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Whether <c>/dev/kvm</c> can be opened for reading and writing.</summary>
    public required bool KvmUsable { get; init; }

    /// <summary>Asks this machine. What can not be read is <c>unknown</c>, or 0.</summary>
    public static HostRecord OfThisMachine() => new()
    {
        Kernel = ReadLines("/proc/sys/kernel/osrelease").FirstOrDefault("unknown"),
        Distribution = Value("/etc/os-release", "PRETTY_NAME=")?.Trim('"') ?? "unknown",
        CpuModel = Value("/proc/cpuinfo", "model name")?.TrimStart('\t', ' ', ':') ?? "unknown",
        Cpus = Environment.ProcessorCount,
        MemoryBytes = MemoryOf(Value("/proc/meminfo", "MemTotal:")),
        KvmUsable = HostFeatures.Probe().KvmOpens,
    };

    private static string? Value(string file, string key) =>
        ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim();

    private static long MemoryOf(string? text) =>
        long.TryParse(text?.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var kib) ? kib * 1024 : 0;

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
