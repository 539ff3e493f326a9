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

    // KVM_CHECK_EXTENSION, with KVM_CAP_DIRTY_LOG_RING and KVM_CAP_DIRTY_LOG_RING_ACQ_REL.
    private const ulong CheckExtension = 0xae03;
    private static readonly nint[] DirtyRings = [192, 223];

    /// <summary>KVM keeps dirty pages in rings (Linux 5.11 and later).</summary>
    public bool KvmDirtyRing { get; init; }

    /// <summary>Why a file in the scratch folder cannot be opened with O_DIRECT, or null.</summary>
    public string? DirectIoError { get; init; }

    /// <summary>Asks the kernel.</summary>
    public static HostFeatures Probe()
    {
        var flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        return new HostFeatures(flags.Split(' ').Any(flag => flag is "vmx" or "svm"), Opens("/dev/kvm"), ProbeUserfaultfd()) { KvmDirtyRing = ProbeDirtyRing() };
    }

    /// <summary>Opens a new file in a folder with O_DIRECT, and deletes it.</summary>
    /// <returns>Why it cannot be done, or null.</returns>
    public static string? ProbeDirectIo(string folder)
    {
        var path = Path.Combine(folder, "direct-io");
        var fd = Syscall.open(path, OpenFlags.O_CREAT | OpenFlags.O_WRONLY | OpenFlags.O_DIRECT | OpenFlags.O_CLOEXEC, FilePermissions.S_IRUSR | FilePermissions.S_IWUSR);
        var error = fd >= 0 ? null : $"open with O_DIRECT in the scratch folder: {Stdlib.strerror(Stdlib.GetLastError())}";
        if (fd >= 0 && Syscall.close(fd) != 0)
        {
            error = $"close: {Stdlib.strerror(Stdlib.GetLastError())}";
        }

        File.Delete(path);
        return error;
    }

    private static bool ProbeDirtyRing()
    {
        var fd = Syscall.open("/dev/kvm", OpenFlags.O_RDWR | OpenFlags.O_CLOEXEC);
        if (fd < 0)
        {
            return false;
        }

        using var kvm = new Microsoft.Win32.SafeHandles.SafeFileHandle(fd, ownsHandle: true);
        return DirtyRings.Any(ring => ioctl(fd, CheckExtension, ring) > 0);
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

    [LibraryImport("libc")]
    private static partial int ioctl(int fd, ulong request, nint argument);
}
