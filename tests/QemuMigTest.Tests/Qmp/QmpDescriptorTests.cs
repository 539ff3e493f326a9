using System.IO.Pipes;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpDescriptorTests
{
    [Test]
    public async Task A_descriptor_arrives_with_its_command_and_can_be_read_through()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        using var writer = new AnonymousPipeServerStream(PipeDirection.Out);
        var executing = client.ExecuteWithDescriptorAsync("getfd", new() { ["fdname"] = "f0" }, writer.ClientSafePipeHandle, ScriptedQmpPeer.Deadline());
        var (text, descriptor) = Receive(peer);
        text.ShouldBe("""{"execute":"getfd","arguments":{"fdname":"f0"},"id":2}""" + "\n");
        await peer.SendLineAsync("""{"return": {}, "id": 2}""");
        await executing;

        writer.DisposeLocalCopyOfClientHandle();
        await writer.WriteAsync("through"u8.ToArray(), ScriptedQmpPeer.Deadline());
        using var received = new FileStream(descriptor!, FileAccess.Read);
        var buffer = new byte[7];
        received.ReadExactly(buffer);
        Encoding.ASCII.GetString(buffer).ShouldBe("through");
    }

    [Test]
    public async Task A_descriptor_waits_for_room_in_a_full_socket()
    {
        var (ours, peer) = ScriptedQmpPeer.Pair();
        using var _ = peer;
        var connecting = QmpClient.ConnectAsync(ours, new(), ScriptedQmpPeer.Deadline());
        await peer.SendLineAsync(ScriptedQmpPeer.Greeting);
        await peer.AnswerAsync("qmp_capabilities");
        await using var client = await connecting;
        Fill(ours);
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var executing = client.ExecuteWithDescriptorAsync("getfd", null, pipe.ClientSafePipeHandle, ScriptedQmpPeer.Deadline());

        (string Text, SafeFileHandle? Descriptor) last;
        do
            last = await Task.Run(() => Receive(peer));
        while (last.Descriptor is null);
        last.Descriptor.Dispose();
        last.Text.TrimStart('\n').ShouldBe("""{"execute":"getfd","id":2}""" + "\n");
        await peer.SendLineAsync("""{"return": {}, "id": 2}""");
        await executing;
    }

    [Test]
    public async Task A_descriptor_goes_with_the_first_byte_of_a_line_that_does_not_fit_at_once()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        // Neither line fits: the descriptor's own sendmsg takes only the beginning of the second.
        var text = new string('x', 1024 * 1024);
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var first = client.ExecuteAsync("first", new() { ["text"] = text }, ScriptedQmpPeer.Deadline());
        var second = client.ExecuteWithDescriptorAsync("second", new() { ["text"] = text }, pipe.ClientSafePipeHandle, ScriptedQmpPeer.Deadline());

        var seen = new StringBuilder();
        var descriptors = new List<(int Start, int End, SafeFileHandle Handle)>();
        while (seen.ToString().Count(c => c == '\n') < 2)
        {
            var (part, descriptor) = await Task.Run(() => Receive(peer));
            if (descriptor is not null)
                descriptors.Add((seen.Length, seen.Length + part.Length, descriptor));
            seen.Append(part);
        }
        var lines = seen.ToString().Split('\n');
        var (start, end, handle) = descriptors.ShouldHaveSingleItem();
        handle.Dispose();
        // recvmsg may join earlier bytes to those that have a descriptor, but no later ones.
        (lines[0].Length + 1).ShouldBeInRange(start, end - 1);
        lines[1].Length.ShouldBeGreaterThan(text.Length);
        await peer.SendLineAsync("""{"return": {}, "id": 2}""");
        await peer.SendLineAsync("""{"return": {}, "id": 3}""");
        await Task.WhenAll(first, second);
    }

    [Test]
    public async Task A_closed_or_invalid_descriptor_is_misuse_and_nothing_is_sent()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var closed = pipe.ClientSafePipeHandle;
        closed.Dispose();
        await Should.ThrowAsync<ObjectDisposedException>(async () => await client.ExecuteWithDescriptorAsync("getfd", null, closed, ScriptedQmpPeer.Deadline()));
        using var invalid = new SafeFileHandle(-1, ownsHandle: false);
        await Should.ThrowAsync<ArgumentException>(async () => await client.ExecuteWithDescriptorAsync("getfd", null, invalid, ScriptedQmpPeer.Deadline()));
        var executing = client.ExecuteAsync("query-status", null, ScriptedQmpPeer.Deadline());
        await peer.AnswerAsync("query-status");
        await executing;
    }

    [Test]
    public async Task The_lease_on_a_descriptor_ends_with_the_sending()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var executing = client.ExecuteWithDescriptorAsync("getfd", null, pipe.ClientSafePipeHandle, ScriptedQmpPeer.Deadline());
        Receive(peer).Descriptor!.Dispose();
        await peer.SendLineAsync("""{"return": {}, "id": 2}""");
        await executing;
        var number = (int)pipe.ClientSafePipeHandle.DangerousGetHandle();
        pipe.DisposeLocalCopyOfClientHandle();
        pipe.ClientSafePipeHandle.IsClosed.ShouldBeTrue();
        await client.DisposeAsync();
        // No reader is left: neither the peer's, nor the caller's, nor one of the client's.
        Should.Throw<IOException>(() => pipe.Write("x"u8), $"descriptor {number} is still open somewhere");
    }

    /// <summary>Sends line ends until not one more fits.</summary>
    private static unsafe void Fill(Socket socket)
    {
        var lineEnds = new byte[4096];
        Array.Fill(lineEnds, (byte)'\n');
        fixed (byte* start = lineEnds)
        {
            foreach (var length in new[] { lineEnds.Length, 1 })
            {
                while (Syscall.send((int)socket.SafeHandle.DangerousGetHandle(), (nint)start, (ulong)length, MessageFlags.MSG_DONTWAIT) > 0)
                    continue;
                Stdlib.GetLastError().ShouldBe(Errno.EAGAIN);
            }
        }
    }

    /// <summary>One recvmsg(2), which waits: what came, and the descriptor beside it.</summary>
    private static unsafe (string Text, SafeFileHandle? Descriptor) Receive(ScriptedQmpPeer peer)
    {
        var control = new byte[Syscall.CMSG_SPACE(sizeof(int))];
        var message = new Msghdr { msg_control = control, msg_controllen = control.Length };
        var buffer = new byte[256 * 1024];
        fixed (byte* start = buffer)
        {
            message.msg_iov = [new Iovec { iov_base = (nint)start, iov_len = (ulong)buffer.Length }];
            message.msg_iovlen = 1;
            long received;
            do
            {
                peer.Socket.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead).ShouldBeTrue();
                received = Syscall.recvmsg((int)peer.Socket.SafeHandle.DangerousGetHandle(), message, MessageFlags.MSG_CMSG_CLOEXEC);
            } while (received < 0 && Stdlib.GetLastError() == Errno.EINTR);
            received.ShouldBeGreaterThan(0);
            var descriptor = message.msg_controllen == 0 ? null
                : new SafeFileHandle(BitConverter.ToInt32(control, (int)Syscall.CMSG_DATA(message, Syscall.CMSG_FIRSTHDR(message))), ownsHandle: true);
            return (Encoding.UTF8.GetString(buffer, 0, (int)received), descriptor);
        }
    }
}
