using System.Runtime.InteropServices;

namespace QemuMigTest.Processes;

/// <summary>Transparent huge pages, which the kernel may give to a process that did not ask for them (<c>/sys/kernel/mm/transparent_hugepage/enabled</c> is <c>always</c>).</summary>
/// <remarks>A heap of 5 MiB may then have 12, in one of two QEMUs that did the same: how much memory a QEMU has of its own could not be told.</remarks>
internal static partial class HugePages
{
    private const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";

    // PR_SET_THP_DISABLE, and PR_THP_DISABLE_EXCEPT_ADVISED (Linux 6.18): QEMU asks for huge pages for the guest's RAM, and gets them.
    private const int Disable = 41;
    private const nuint ExceptWhereAskedFor = 2;

    /// <summary>Has this process, and all that it starts from now on, get none that it does not ask for; before Linux 6.18 none at all. Does nothing where the kernel gives none unasked.</summary>
    /// <exception cref="QemuStartException">The kernel refuses.</exception>
    public static void OnlyWhereAskedFor()
    {
        if (File.Exists(Setting) && IsAlways(File.ReadAllText(Setting)) && prctl(Disable, 1, ExceptWhereAskedFor, 0, 0) != 0 && prctl(Disable, 1, 0, 0, 0) != 0)
        {
            throw new QemuStartException($"Transparent huge pages cannot be turned off for what is started (prctl, {Marshal.GetLastPInvokeErrorMessage()}): set {Setting} to madvise.");
        }
    }

    /// <summary>Whether the kernel gives them to all: the setting that holds is in brackets.</summary>
    internal static bool IsAlways(string setting) => setting.Contains("[always]", StringComparison.Ordinal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
