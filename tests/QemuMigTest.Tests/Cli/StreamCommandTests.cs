using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Tests.Streams;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

/// <summary><c>qemu-mig-test stream</c>, on streams that real QEMUs wrote.</summary>
[NonParallelizable]
public sealed class StreamCommandTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qmt-stream-").FullName;
    private CommandRun _command = null!;

    [SetUp]
    public void Create() => _command = new CommandRun();

    [TearDown]
    public void End()
    {
        _command.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task A_stream_is_shown_as_tables_of_its_parts_and_blocks()
    {
        (await _command.ExecuteAsync("stream", Write(RecordedStream.Load("q35-11.1")))).ShouldBe(0);

        _command.OutLines[0].ShouldMatch(@"^pc-q35-11\.1, \d+ bytes, pages of 4096 bytes, 28 devices$");
        _command.OutLines.ShouldContain(line => line.StartsWith("    offset  ", StringComparison.Ordinal) && line.Contains("part", StringComparison.Ordinal));
        _command.OutLines.ShouldContain(line => line.StartsWith("pc.ram", StringComparison.Ordinal) && line.Contains("1048576", StringComparison.Ordinal));
        _command.Error.ShouldBeEmpty();
    }

    [Test]
    public async Task The_fields_of_a_device_are_shown_with_their_values()
    {
        (await _command.ExecuteAsync("stream", Write(RecordedStream.Load("q35-11.1")), "--device", "cpu")).ShouldBe(0);

        _command.OutLines.ShouldContain(line => line.Contains("env.segs[1].selector", StringComparison.Ordinal) && line.EndsWith("0x0000f000", StringComparison.Ordinal));
        _command.OutLines.ShouldNotContain(line => line.Contains("cpu_ticks_offset", StringComparison.Ordinal));
    }

    [Test]
    public async Task Json_holds_the_same_for_a_program()
    {
        (await _command.ExecuteAsync("stream", Write(RecordedStream.Load("q35-7.2")), "--json", "--device", "timer")).ShouldBe(0);

        var root = JsonElement.Parse(_command.Out);
        root.GetProperty("configuration").GetProperty("machineType").GetString().ShouldBe("pc-q35-7.2");
        root.GetProperty("blocks").EnumerateArray().Single(block => block.GetProperty("name").GetString() == "pc.ram").GetProperty("length").GetInt64().ShouldBe(1 << 20);
        root.GetProperty("devices").EnumerateArray().Where(device => device.GetProperty("fields").ValueKind == JsonValueKind.Array)
            .Select(device => device.GetProperty("name").GetString()).ShouldBe(["timer"]);
    }

    [TestCase("4096")]
    [TestCase("0x1000")]
    public async Task A_stream_may_start_anywhere_in_its_file(string offset)
    {
        var file = Write([.. new byte[4096], .. RecordedStream.Load("none-11.1")]);

        (await _command.ExecuteAsync("stream", file, "--offset", offset)).ShouldBe(0);

        _command.Out.ShouldContain("UUID: 11111111-1111-1111-1111-111111111111");
        _command.Out.ShouldContain("0x00001008");
    }

    [Test]
    public async Task A_damaged_stream_is_a_failure_that_says_where()
    {
        var bytes = RecordedStream.Load("q35-11.1");

        (await _command.ExecuteAsync("stream", Write(bytes[..^100]))).ShouldBe(1);

        _command.Error.ShouldMatch(@"^qemu-mig-test: .*\d+.*\n$");
        _command.Out.ShouldBeEmpty();
    }

    [TestCase("There is no file '/nowhere'.", "/nowhere")]
    [TestCase("'/proc' cannot be read: ", "/proc")]
    [TestCase("--offset is '-1', wanted a whole number from 0.", "--offset=-1")]
    [TestCase("--offset is '0xg', wanted a whole number from 0.", "--offset", "0xg")]
    [TestCase("There is no device 'gpu' in the stream. There are: ", "--device", "gpu")]
    public async Task What_is_wrong_with_the_command_line_is_said(string wanted, params string[] args)
    {
        string[] file = args[0].StartsWith('/') ? [] : [Write(RecordedStream.Load("none-11.1"))];

        (await _command.ExecuteAsync(["stream", .. file, .. args])).ShouldBe(2);

        _command.Error.ShouldContain(wanted);
    }

    private string Write(byte[] stream)
    {
        var file = Path.Combine(_folder, "stream");
        File.WriteAllBytes(file, stream);
        return file;
    }
}
