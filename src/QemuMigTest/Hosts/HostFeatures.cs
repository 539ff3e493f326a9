using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace QemuMigTest.Hosts;

/// <summary>What this machine can do, asked of its kernel.</summary>
/// <param name="HardwareVirtualization">/proc/cpuinfo shows vmx or svm: without it /dev/kvm may work but emulates guests without paging, slowly.</param>
/// <param name="KvmOpens">/dev/kvm can be opened for reading and writing.</param>
/// <param name="UserfaultfdError">Why userfaultfd(2) is not to be had, or null: postcopy's destination needs it.</param>
public sealed partial record HostFeatures(bool HardwareVirtualization, bool KvmOpens, string? UserfaultfdError)
{
    private const long UserfaultfdCall = 323;
    private const long CloseOnExec = 0x80000;

    /// <summary>Asks the kernel.</summary>
    public static HostFeatures Probe()
    {
        var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        return new HostFeatures(flags.Split(' ').Any(flag => flag is "vmx" or "svm"), Opens("/dev/kvm"), ProbeUserfaultfd());
    }

    private static bool Opens(string device)
    {
        var fd = Syscall.open(device, OpenFlags.O_RDWR | OpenFlags.O_CLOEXEC);
        return fd >= 0 && Syscall.close(fd) == 0;
    }

    // QEMU opens /dev/userfaultfd (since 8.0) or makes the call without UFFD_USER_MODE_ONLY: one of them must work.
    private static string? ProbeUserfaultfd()
    {
        var fd = syscall(UserfaultfdCall, CloseOnExec);
        if (fd >= 0)
        {
            return Syscall.close((int)fd) == 0 ? null : "close(userfaultfd) failed";
        }

        var reason = Marshal.GetLastPInvokeErrorMessage();
        return Opens("/dev/userfaultfd") ? null : $"userfaultfd(2): {reason} (sysctl vm.unprivileged_userfaultfd=1, access to /dev/userfaultfd, or root)";
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, long argument);
}
