using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace QemuMigTest.Hosts;

/// <summary>A file that lives in memory alone and is gone when it is closed (memfd_create).</summary>
public sealed partial class NativeMemoryFile : IDisposable
{
    private const uint CloseOnExec = 1;

    /// <summary>Makes an empty one.</summary>
    /// <exception cref="Win32Exception">The kernel would not.</exception>
    public NativeMemoryFile(string name)
    {
        var fd = memfd_create(name, CloseOnExec);
        Handle = fd >= 0
            ? new SafeFileHandle(fd, ownsHandle: true)
            : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"memfd_create: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>A path by which another process of the same user can open it while it is open here.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{Handle.DangerousGetHandle()}";

    /// <summary>Closes it.</summary>
    public void Dispose() => Handle.Dispose();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
