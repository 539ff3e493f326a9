using System.Runtime.InteropServices;

namespace QemuMigTest.Hosts;

/// <summary>Processor time, user and system.</summary>
/// <param name="Own">That of this process since it began, without its children.</param>
/// <param name="Children">That of its children that have ended, and of theirs.</param>
public readonly partial record struct ProcessorTime(TimeSpan Own, TimeSpan Children)
{
    private const int Self = 0;
    private const int EndedChildren = -1;
    private const int Longs = 18;

    /// <summary>Asks the kernel (getrusage).</summary>
    public static ProcessorTime OfThisProcess() => new(Of(Self), Of(EndedChildren));

    private static unsafe TimeSpan Of(int who)
    {
        // struct rusage on 64-bit Linux: two timevals of seconds and microseconds, and 14 longs.
        var usage = stackalloc long[Longs];
        if (GetResourceUsage(who, usage) != 0)
            throw new System.ComponentModel.Win32Exception(Marshal.GetLastPInvokeError(), "getrusage failed");
        return TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3]);
    }

    [LibraryImport("libc", EntryPoint = "getrusage", SetLastError = true)]
    private static unsafe partial int GetResourceUsage(int who, long* usage);
}
