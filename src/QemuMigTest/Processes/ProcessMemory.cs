using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace QemuMigTest.Processes;

/// <summary>Another process's memory (process_vm_readv), where ptrace's rules permit it: a child of the same user, not set-uid.</summary>
internal static unsafe partial class ProcessMemory
{
    /// <summary>Reads as many bytes as the buffer holds.</summary>
    /// <returns>0, or why nothing, or not all of it, could be read: EPERM where it is not permitted, EFAULT where nothing is mapped.</returns>
    public static Errno Read(int processId, ulong address, Span<byte> buffer)
    {
        fixed (byte* local = buffer)
        {
            for (nint done = 0; done < buffer.Length;)
            {
                var to = new Vector((nint)local + done, buffer.Length - done);
                var from = new Vector((nint)address + done, buffer.Length - done);
                var read = process_vm_readv(processId, &to, 1, &from, 1, 0);
                if (read <= 0)
                {
                    return read < 0 ? NativeConvert.ToErrno(Marshal.GetLastPInvokeError()) : Errno.EFAULT;
                }

                done += read;
            }
        }

        return 0;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint process_vm_readv(int processId, Vector* local, nuint localCount, Vector* remote, nuint remoteCount, nuint flags);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Vector(nint Start, nint Length);
}
