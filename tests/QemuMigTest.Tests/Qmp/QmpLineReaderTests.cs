using System.IO.Pipelines;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpLineReaderTests
{
    [TestCase("", "CleanEnd")]
    [TestCase("\r\n\n", "CleanEnd")]
    [TestCase("a\n", "Complete a|CleanEnd")]
    [TestCase("a\r\nb", "Complete a|CutMidLine b")]
    [TestCase("a\r\r\n", "Complete a\r|CleanEnd")]
    [TestCase("12345678\n", "Complete 12345678|CleanEnd")]
    [TestCase("12345678\r\n", "Complete 12345678|CleanEnd")]
    [TestCase("12345678", "CutMidLine 12345678")]
    [TestCase("123456789\n", "TooLong 123456789")]
    [TestCase("123456789", "TooLong 123456789")]
    public async Task Lines_are_cut_and_their_end_is_told(string text, string expected)
    {
        (await ReadAsync([Encoding.UTF8.GetBytes(text)], 8)).ShouldBe(expected.Split('|'));
        (await ReadAsync([.. Encoding.UTF8.GetBytes(text).Select(b => new[] { b })], 8)).ShouldBe(expected.Split('|'));
    }

    [FsCheck.NUnit.Property]
    public Property Any_chunking_gives_the_same_lines()
    {
        var line = Gen.Choose(0, 40).SelectMany(length => Gen.Elements("aä{}\"\r\n".ToCharArray()).ArrayOf(length)).Select(chars => new string(chars));
        var text = Gen.Select(line.ListOf(), lines => string.Join("\r\n", lines));
        var cases = Gen.Zip(text, Gen.Choose(1, 9).ArrayOf(200)).ToArbitrary();
        return Prop.ForAll(cases, both =>
        {
            var (whole, sizes) = both;
            var bytes = Encoding.UTF8.GetBytes(whole);
            var chunks = new List<byte[]>();
            for (int start = 0, i = 0; start < bytes.Length; i++)
            {
                var size = Math.Min(sizes[i % sizes.Length], bytes.Length - start);
                chunks.Add(bytes[start..(start + size)]);
                start += size;
            }
            var expected = whole.Split('\n').SkipLast(1).Select(WithoutReturn).Where(l => l.Length > 0).Select(l => $"Complete {l}").ToList();
            var rest = WithoutReturn(whole.Split('\n')[^1]);
            expected.Add(rest.Length == 0 ? "CleanEnd" : $"CutMidLine {rest}");
            return ReadAsync(chunks, 1000).GetAwaiter().GetResult().SequenceEqual(expected);
        });

        static string WithoutReturn(string l) => l.EndsWith('\r') ? l[..^1] : l;
    }

    [Test]
    public async Task Messages_that_come_byte_by_byte_are_the_same_messages()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync();
        await using var _ = client;
        using var __ = peer;
        var executing = client.ExecuteAsync("query-x", null, ScriptedQmpPeer.Deadline());
        var id = (await peer.ReadCommandAsync()).GetProperty("id");
        const string Event = """{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}""";
        foreach (var character in $"{Event}\r\n{{\"return\": \"ok\", \"id\": {id}}}\r\n")
            await peer.SendAsync(character.ToString());
        (await executing).GetString().ShouldBe("ok");
        client.Events.Count.ShouldBe(1);
    }

    [Test]
    public async Task A_line_without_end_is_read_no_further_than_the_limit()
    {
        var source = new EndlessStream();
        var reader = new QmpLineReader(PipeReader.Create(source, new StreamPipeReaderOptions(bufferSize: 4096)), 1024 * 1024);
        (await reader.ReadAsync(ScriptedQmpPeer.Deadline())).Kind.ShouldBe(QmpLineKind.TooLong);
        source.Given.ShouldBeLessThan(1024 * 1024 + 64 * 1024);
    }

    private static async Task<List<string>> ReadAsync(IReadOnlyList<byte[]> chunks, int limit)
    {
        var pipe = new Pipe(new PipeOptions(readerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0));
        var reading = ReadAllAsync(new QmpLineReader(pipe.Reader, limit));
        foreach (var chunk in chunks)
            await pipe.Writer.WriteAsync(chunk);
        await pipe.Writer.CompleteAsync();
        return await reading;
    }

    private static async Task<List<string>> ReadAllAsync(QmpLineReader reader)
    {
        var seen = new List<string>();
        while (true)
        {
            var line = await reader.ReadAsync(ScriptedQmpPeer.Deadline());
            seen.Add(line.Kind == QmpLineKind.CleanEnd ? "CleanEnd" : $"{line.Kind} {line.Text}");
            if (line.Kind != QmpLineKind.Complete)
                return seen;
        }
    }

    /// <summary>Gives as many bytes as are asked for, and never a line end.</summary>
    private sealed class EndlessStream : MemoryStream
    {
        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'x');
            Given += buffer.Length;
            return ValueTask.FromResult(buffer.Length);
        }
    }
}
