using System.Globalization;
using NUnit.Framework;
using QemuMigTest.QTest;
using Shouldly;

namespace QemuMigTest.Tests.QTest;

public sealed class QTestClientTests
{
    [Test]
    public void Values_are_read_and_written_in_the_protocols_words()
    {
        using var peer = Client(out var client, line => line.Split(' ')[0] switch
        {
            "readb" => "OK 0x00000000000000fe\n",
            "readq" => "OK 0xfedcba9876543210\n",
            "inb" => "OK 0x0012\n",
            "inw" => "OK 0xabcd\n",
            "inl" => "OK 0x89abcdef\n",
            _ => "OK\n",
        });
        client.ReadByte(0x1234).ShouldBe((byte)0xfe);
        client.ReadUInt64(ulong.MaxValue - 7).ShouldBe(0xfedcba9876543210);
        client.In8(0x60).ShouldBe((byte)0x12);
        client.In16(0xcf8).ShouldBe((ushort)0xabcd);
        client.In32(0xcf8).ShouldBe(0x89abcdef);
        client.Out8(0x80, 0xff);
        client.Out16(0x80, 0xffff);
        client.Out32(0xcf8, 0x80000000);
        client.Dispose();
        peer.Asked.ShouldBe(["readb 0x1234", "readq 0xfffffffffffffff8", "inb 0x60", "inw 0xcf8", "inl 0xcf8", "outb 0x80 0xff", "outw 0x80 0xffff", "outl 0xcf8 0x80000000"]);
    }

    [Test]
    public void Commands_that_are_sent_at_once_are_answered_in_their_order()
    {
        using var peer = Client(out var client, line => line.Split(' ')[0] == "inb" ? $"OK 0x{line[^2..]}\n" : "OK\n");
        var commands = Enumerable.Range(0, 600).Select(number => number % 2 == 0 ? $"outb 0x70 0x{number & 0xff:x2}" : $"inb 0x{number & 0xff:x2}").ToList();
        var replies = client.ExecuteAll(commands);
        client.Dispose();
        replies.ShouldBe(Enumerable.Range(0, 600).Select(number => number % 2 == 0 ? 0ul : (ulong)number & 0xff));
        peer.Asked.ShouldBe(commands);
    }

    [Test]
    public void One_of_them_that_is_refused_is_told_and_the_connection_stays_of_use()
    {
        using var peer = Client(out var client, line => line == "bad" ? "FAIL Unknown command 'bad'\n" : "OK 0x0007\n");
        Should.Throw<QTestException>(() => client.ExecuteAll(["inb 0x1", "bad", "inb 0x2"])).Message.ShouldContain("qtest command 'bad' was refused");
        client.In8(0x61).ShouldBe((byte)7);
        client.Dispose();
        peer.Asked.ShouldBe(["inb 0x1", "bad", "inb 0x2", "inb 0x61"]);
    }

    [Test]
    public void Memory_is_moved_in_chunks_and_comes_back_as_it_went()
    {
        var memory = new byte[4 * 1024 * 1024];
        using var peer = Client(out var client, line => Memory(memory, line));
        var data = new byte[1024 * 1024 + 12345];
        new Random(1).NextBytes(data);
        client.Write(0x1001, data);
        memory.AsSpan(0x1001, data.Length).SequenceEqual(data).ShouldBeTrue();
        client.Read(0x1001, data.Length).AsSpan().SequenceEqual(data).ShouldBeTrue();
        client.Read(5, 0).ShouldBeEmpty();
        client.Write(5, []);
        client.Dispose();
        peer.Asked.Count.ShouldBe(17 + 2, "and nothing for nothing: QEMU aborts on a length of 0");
        peer.Asked[1].ShouldStartWith("b64write 0x11001 0x10000 ");
        peer.Asked[^1].ShouldBe("b64read 0x101001 0x3039");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Base64_padding_of_each_kind_is_read(int length)
    {
        using var peer = Client(out var client, line => Memory([7, 8, 9], line));
        using var _ = client;
        client.Read(0, length).ShouldBe(new byte[] { 7, 8, 9 }[..length]);
    }

    [Test]
    public void Lines_about_interrupts_are_passed_over()
    {
        var raised = 0;
        using var peer = Client(out var client, _ => $"IRQ raise {raised++}\nIRQ lower 3\r\nOK 0x0000000000000007\r\nIRQ raise 4\n");
        using var _ = client;
        for (var i = 0; i < 3; i++)
            client.ReadByte(1).ShouldBe((byte)7);
    }

    [TestCase("FAIL Unknown command 'readb'\n", true)]
    [TestCase("ERR out of range\n", true)]
    [TestCase("what?\n", false)]
    [TestCase("OKAY\n", false)]
    public void A_refusal_names_command_and_reply_and_only_rubbish_ends_the_connection(string reply, bool usable)
    {
        var replies = new Queue<string>([reply, "OK 0x01\n"]);
        using var peer = Client(out var client, _ => replies.Dequeue());
        using var _ = client;
        var error = Should.Throw<QTestException>(() => client.ReadByte(0x10));
        error.Command.ShouldBe("readb 0x10");
        error.Reply.ShouldBe(reply.TrimEnd());
        error.Name.ShouldBe("source");
        error.Message.ShouldContain("source: qtest command 'readb 0x10'");
        if (usable)
            client.ReadByte(0x11).ShouldBe((byte)1);
        else
            Should.Throw<QTestException>(() => client.ReadByte(0x11)).Message.ShouldContain("broke before");
    }

    [TestCase("OK\n")]
    [TestCase("OK 12\n")]
    [TestCase("OK 0x\n")]
    [TestCase("OK 0x100\n")]
    [TestCase("OK 0xzz\n")]
    public void A_value_that_is_none_is_an_error(string reply)
    {
        using var peer = Client(out var client, _ => reply);
        using var _ = client;
        Should.Throw<QTestException>(() => client.ReadByte(0x10)).Reply.ShouldBe(reply.TrimEnd() + (reply == "OK\n" ? " " : ""));
    }

    [TestCase("OK AAA=\n")]
    [TestCase("OK AAAAAAAA\n")]
    [TestCase("OK !!!!\n")]
    public void Memory_of_another_length_or_no_base64_is_an_error(string reply)
    {
        using var peer = Client(out var client, _ => reply);
        using var _ = client;
        Should.Throw<QTestException>(() => client.Read(0, 3)).Message.ShouldContain("base64 of 3 bytes");
    }

    [Test]
    public void A_peer_that_closes_is_reported_with_the_command_that_waited()
    {
        using var peer = Client(out var client, _ => null);
        using var _ = client;
        var error = Should.Throw<QTestException>(() => client.ReadUInt64(0x77));
        error.Message.ShouldContain("'readq 0x77'");
        error.Message.ShouldContain("QEMU closed the connection");
        Should.Throw<QTestException>(() => client.ReadUInt64(0x78)).InnerException.ShouldBe(error);
    }

    [TestCase("", null)]
    [TestCase("OK 0x0", "OK 0x0")]
    public void A_peer_that_does_not_answer_is_given_up(string reply, string? pending)
    {
        using var peer = Client(out var client, _ => reply);
        using var _ = client;
        client.Timeout.ShouldBe(TimeSpan.FromSeconds(30));
        client.Timeout = TimeSpan.FromMilliseconds(50);
        var error = Should.Throw<QTestException>(() => client.ReadByte(0x99));
        error.Message.ShouldContain("'readb 0x99' got no whole reply within 0.05 s");
        error.Reply.ShouldBe(pending);
    }

    [Test]
    public void A_reply_without_end_is_bounded()
    {
        using var peer = Client(out var client, _ => new string('x', 1024 * 1024 * 3 / 2));
        using var _ = client;
        Should.Throw<QTestException>(() => client.ReadByte(0)).Message.ShouldContain("longer than");
    }

    [Test]
    public async Task Disposing_ends_a_call_that_waits_in_another_thread()
    {
        using var asked = new SemaphoreSlim(0);
        using var peer = Client(out var client, _ =>
        {
            asked.Release();
            return "";
        });
        var waiting = Task.Factory.StartNew(() => client.ReadByte(0), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await asked.WaitAsync(TimeSpan.FromSeconds(20));
        client.Dispose();
        await Should.ThrowAsync<QTestException>(waiting.WaitAsync(TimeSpan.FromSeconds(20)));
        Should.Throw<QTestException>(() => client.ReadByte(0));
    }

    [Test]
    public async Task Calls_of_several_threads_get_their_own_replies()
    {
        using var peer = Client(out var client, line => $"OK {line.Split(' ')[1]}\n");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (ulong i = 0; i < 500; i++)
                client.ReadUInt64((ulong)thread << 32 | i).ShouldBe((ulong)thread << 32 | i);
        })));
        client.Dispose();
    }

    private static ScriptedQTestPeer Client(out QTestClient client, Func<string, string?> answer)
    {
        var (ours, peer) = ScriptedQTestPeer.Start(answer);
        client = new QTestClient(ours, "source");
        return peer;
    }

    private static string Memory(byte[] memory, string line)
    {
        var words = line.Split(' ');
        var place = memory.AsSpan(Hex(words[1]), Hex(words[2]));
        if (words[0] == "b64read")
            return $"OK {Convert.ToBase64String(place)}\n";
        Convert.FromBase64String(words[3]).CopyTo(place);
        return "OK\n";
    }

    private static int Hex(string text) => int.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
