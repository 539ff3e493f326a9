using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using QemuMigTest.Migration.Channels;
using Shouldly;

namespace QemuMigTest.Tests.Migration.Channels;

public sealed class ProxyConnectionTests
{
    private const int Slow = 1;
    private static readonly byte[] Said = "what the other side is to hear"u8.ToArray();

    [Test, CancelAfter(10_000)]
    public async Task What_the_destination_says_is_held_back_and_not_lost(CancellationToken ct)
    {
        var mayReturn = new TaskCompletionSource();
        using var ends = await Ends.OpenAsync(new ByteBudget(0), new ByteGate(), () => mayReturn.Task, ct);
        await ends.Destination.SendAsync(Said, ct);
        while (ends.Connection.BytesHeld < Said.Length)
        {
            await Task.Yield();
            ct.ThrowIfCancellationRequested();
        }

        ends.Source.Available.ShouldBe(0);
        mayReturn.SetResult();
        (await HearAsync(ends.Source, ct)).ShouldBe(Said);
        ends.Connection.BytesHeld.ShouldBe(0);
    }

    [Test, CancelAfter(10_000)]
    public async Task What_waits_for_its_turn_goes_by_when_the_limit_is_lifted(CancellationToken ct)
    {
        var budget = new ByteBudget(Slow);
        using var ends = await Ends.OpenAsync(budget, new ByteGate(), () => Task.CompletedTask, ct);
        await ends.Source.SendAsync(Said, ct);
        ends.Destination.Available.ShouldBe(0, $"{Said.Length} bytes take as many seconds");
        budget.Lift();
        (await HearAsync(ends.Destination, ct)).ShouldBe(Said);
    }

    [Test, CancelAfter(10_000)]
    public async Task What_comes_behind_a_gate_that_is_shut_waits_until_it_is_opened(CancellationToken ct)
    {
        const int Before = 10;
        var gate = new ByteGate();
        gate.ShutAfter(Before);
        using var ends = await Ends.OpenAsync(new ByteBudget(0), gate, () => Task.CompletedTask, ct);
        await ends.Source.SendAsync(Said, ct);
        await UntilAsync(() => ends.Destination.Available >= Before);
        await CountedAsync(Before);
        gate.Open();
        (await HearAsync(ends.Destination, ct)).ShouldBe(Said);
        await CountedAsync(Said.Length);

        // They are counted when they have been sent: after they can be heard.
        async Task CountedAsync(int bytes)
        {
            await UntilAsync(() => ends.Connection.Traffic.Bytes >= bytes);
            ends.Connection.Traffic.Bytes.ShouldBe(bytes);
        }

        async Task UntilAsync(Func<bool> reached)
        {
            while (!reached())
            {
                await Task.Yield();
                ct.ThrowIfCancellationRequested();
            }
        }
    }

    [Test, CancelAfter(10_000)]
    public async Task An_end_is_passed_on(CancellationToken ct)
    {
        using var ends = await Ends.OpenAsync(new ByteBudget(0), new ByteGate(), () => Task.CompletedTask, ct);
        ends.Source.Shutdown(SocketShutdown.Send);
        (await ends.Destination.ReceiveAsync(new byte[1], ct)).ShouldBe(0);
    }

    private static async Task<byte[]> HearAsync(Socket socket, CancellationToken ct)
    {
        var heard = new byte[Said.Length];
        for (var count = 0; count < heard.Length;)
        {
            count += await socket.ReceiveAsync(heard.AsMemory(count), ct) is var bytes and > 0 ? bytes : throw new EndOfStreamException($"after {count} bytes");
        }

        return heard;
    }

    private sealed record Ends(Socket Source, ProxyConnection Connection, Socket Destination) : IDisposable
    {
        public static async Task<Ends> OpenAsync(ByteBudget budget, ByteGate gate, Func<Task> mayReturn, CancellationToken ct)
        {
            using var proxy = Listen();
            using var destination = Listen();
            var source = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await source.ConnectAsync(proxy.LocalEndPoint!, ct);
            var connection = new ProxyConnection(await proxy.AcceptAsync(ct), budget, gate, mayReturn);
            await connection.OpenAsync((IPEndPoint)destination.LocalEndPoint!, ct);
            return new(source, connection, await destination.AcceptAsync(ct));
        }

        public void Dispose()
        {
            Source.Dispose();
            Connection.Dispose();
            Destination.Dispose();
        }

        private static Socket Listen()
        {
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            return listener;
        }
    }
}
