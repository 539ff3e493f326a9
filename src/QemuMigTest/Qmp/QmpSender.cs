using System.Net.Sockets;
using Mono.Unix.Native;

namespace QemuMigTest.Qmp;

/// <summary>Sends bytes over a socket, whole, and a file descriptor with the first of them. One sending at a time.</summary>
internal static class QmpSender
{
    private static readonly TimeSpan WritablePoll = TimeSpan.FromMilliseconds(100);

    /// <exception cref="SocketException">The connection broke, or was shut down.</exception>
    /// <exception cref="IOException">The kernel refused the descriptor.</exception>
    public static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes, DescriptorLease? descriptor)
    {
        if (descriptor is not null)
        {
            int sent;
            while ((sent = SendWithDescriptor(socket, bytes.Span, descriptor.Descriptor)) == 0)
            {
                // .NET has no asynchronous wait for "writable" without sending. QEMU is busy: a rare path, worth a thread.
                await Task.Run(() => socket.Poll(WritablePoll, SelectMode.SelectWrite));
            }
            bytes = bytes[sent..];
        }
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
    }

    /// <summary>One sendmsg(2) with SCM_RIGHTS: returns the bytes taken, with the first of which the descriptor went; 0 when the socket is full.</summary>
    private static unsafe int SendWithDescriptor(Socket socket, ReadOnlySpan<byte> bytes, int descriptor)
    {
        var control = new byte[Syscall.CMSG_SPACE(sizeof(int))];
        var header = new Cmsghdr
        {
            cmsg_len = (long)Syscall.CMSG_LEN(sizeof(int)),
            cmsg_level = UnixSocketProtocol.SOL_SOCKET,
            cmsg_type = UnixSocketControlMessage.SCM_RIGHTS,
        };
        var message = new Msghdr { msg_control = control, msg_controllen = control.Length };
        header.WriteToBuffer(message, 0);
        BitConverter.TryWriteBytes(control.AsSpan((int)Syscall.CMSG_DATA(message, 0)), descriptor);

        var held = false;
        socket.SafeHandle.DangerousAddRef(ref held);
        try
        {
            fixed (byte* start = bytes)
            {
                message.msg_iov = [new Iovec { iov_base = (nint)start, iov_len = (ulong)bytes.Length }];
                message.msg_iovlen = 1;
                while (true)
                {
                    var sent = Syscall.sendmsg((int)socket.SafeHandle.DangerousGetHandle(), message, MessageFlags.MSG_NOSIGNAL | MessageFlags.MSG_DONTWAIT);
                    if (sent > 0)
                        return (int)sent;
                    var error = Stdlib.GetLastError();
                    if (error == Errno.EAGAIN)
                        return 0;
                    if (error is Errno.EPIPE or Errno.ECONNRESET)
                        throw new SocketException((int)(error == Errno.EPIPE ? SocketError.Shutdown : SocketError.ConnectionReset));
                    if (error != Errno.EINTR)
                        throw new IOException($"sendmsg with file descriptor {descriptor} failed: {error}");
                }
            }
        }
        finally
        {
            socket.SafeHandle.DangerousRelease();
        }
    }
}
