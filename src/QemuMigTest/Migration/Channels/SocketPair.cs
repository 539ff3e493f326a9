using System.ComponentModel;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace QemuMigTest.Migration.Channels;

/// <summary>Two connected Unix stream sockets (socketpair).</summary>
public sealed class SocketPair : IDisposable
{
    /// <summary>Makes the pair; both ends are close-on-exec.</summary>
    /// <exception cref="Win32Exception">The kernel would not.</exception>
    public SocketPair()
    {
        if (Syscall.socketpair(UnixAddressFamily.AF_UNIX, UnixSocketType.SOCK_STREAM, UnixSocketFlags.SOCK_CLOEXEC, 0, out var first, out var second) != 0)
        {
            throw new Win32Exception(NativeConvert.FromErrno(Stdlib.GetLastError()), "socketpair");
        }

        First = new SafeFileHandle(first, ownsHandle: true);
        Second = new SafeFileHandle(second, ownsHandle: true);
    }

    /// <summary>One end.</summary>
    public SafeFileHandle First { get; }

    /// <summary>The other end.</summary>
    public SafeFileHandle Second { get; }

    /// <summary>Closes both ends.</summary>
    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
    }
}
