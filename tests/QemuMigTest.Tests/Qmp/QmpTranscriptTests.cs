using System.IO.Pipes;
using NUnit.Framework;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Qmp;

public sealed class QmpTranscriptTests
{
    [Test]
    public async Task Each_line_is_written_with_its_time_side_and_direction_and_is_there_at_once()
    {
        using var file = new MemoryStream();
        using var writer = new StreamWriter(file);
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync(new() { Name = "source", Transcript = writer });
        using var _ = peer;
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var executing = client.ExecuteWithDescriptorAsync("getfd", null, pipe.ClientSafePipeHandle, ScriptedQmpPeer.Deadline());
        var number = (int)pipe.ClientSafePipeHandle.DangerousGetHandle();
        await peer.AnswerAsync("getfd");
        await executing;
        file.Length.ShouldBeGreaterThan(0, "flushed before the end");
        await peer.SendAsync("{\"half");
        peer.Dispose();
        await client.Closed;
        await client.DisposeAsync();

        var lines = System.Text.Encoding.UTF8.GetString(file.ToArray()).TrimEnd().Split('\n');
        lines.ShouldAllBe(line => System.Text.RegularExpressions.Regex.IsMatch(line, @"^ *\d+\.\d{6} source (->|<-|--) "));
        lines.Select(line => line[(line.IndexOf("source", StringComparison.Ordinal) + 7)..]).ShouldBe([
            "<- " + ScriptedQmpPeer.Greeting,
            """-> {"execute":"qmp_capabilities","arguments":{"enable":["oob"]},"id":1}""",
            """<- {"return": {}, "id": 1}""",
            $$"""-> {"execute":"getfd","id":2} [with file descriptor {{number}}]""",
            """<- {"return": {}, "id": 2}""",
            "<- {\"half [CutMidLine]",
            "-- the QMP connection was cut in the middle of a line",
        ]);
    }

    [Test]
    public async Task A_transcript_that_cannot_be_written_ends_the_connection_and_says_so()
    {
        var (client, peer) = await ScriptedQmpPeer.ConnectedAsync(new() { Transcript = new FullWriter(room: 3) });
        await using var _ = client;
        using var __ = peer;
        var error = await Should.ThrowAsync<QmpInterruptedException>(client.ExecuteAsync("query-status", null, ScriptedQmpPeer.Deadline()));
        error.Message.ShouldContain("disk full");
        (await client.Closed).Reason.ShouldBe(QmpDisconnectReason.IoError);
    }

    /// <summary>A file on a disk that is full after some lines.</summary>
    private sealed class FullWriter(int room) : StringWriter
    {
        private int _room = room;

        public override void WriteLine(string? value)
        {
            if (_room-- == 0)
                throw new IOException("disk full");
        }
    }
}
