using Mono.Unix.Native;

namespace QemuMigTest.Hosts;

/// <summary>How much memory a process may lock (RLIMIT_MEMLOCK), which RDMA and zero-copy-send need for all of the guest's RAM.</summary>
public static class LockedMemory
{
    private const string Line = "Max locked memory";

    /// <summary>Why this process and its children may not lock all they want, or null.</summary>
    public static string? WhyLimited() => Syscall.geteuid() == 0 ? null : WhyLimited(File.ReadAllLines("/proc/self/limits"));

    /// <summary>The same, of a process whose /proc/PID/limits are given.</summary>
    public static string? WhyLimited(IEnumerable<string> limits)
    {
        var words = limits.FirstOrDefault(line => line.StartsWith(Line, StringComparison.Ordinal))?[Line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [var soft, ..] && soft != "unlimited" ? $"{soft} bytes of memory that may be locked" : null;
    }
}
