using System.Text;
using NUnit.Framework;
using QemuMigTest.Streams;
using Shouldly;

namespace QemuMigTest.Tests.Streams;

public sealed class MigrationStreamTests
{
    [TestCase("q35-7.2", "pc-q35-7.2")]
    [TestCase("q35-10.0", "pc-q35-10.0")]
    [TestCase("q35-11.1", "pc-q35-11.1")]
    public void A_stream_of_each_QEMU_is_read_whole(string name, string machineType)
    {
        var bytes = RecordedStream.Load(name);

        var stream = MigrationStream.Read(bytes);

        stream.Configuration.MachineType.ShouldBe(machineType);
        stream.Length.ShouldBe(bytes.Length);
        stream.Parts.Sum(part => part.Length).ShouldBe(bytes.Length - 8);
        stream.Devices.Count.ShouldBe(28);
        var ram = stream.Blocks.Single(block => block.Name == "pc.ram");
        ram.Length.ShouldBe(1 << 20);
        ram.Pages.Total.ShouldBe(256);
    }

    [Test]
    public void A_devices_fields_fill_it_to_the_byte_and_have_values()
    {
        var stream = MigrationStream.Read(RecordedStream.Load("q35-11.1"));
        var timer = stream.Devices.Single(device => device.Name == "timer");

        var fields = stream.ReadFields(timer);

        fields.Sum(field => field.Size * field.Count).ShouldBe(timer.Length);
        fields.Select(field => field.Path).ShouldBe(["cpu_ticks_offset", "unused", "cpu_clock_offset"]);
        stream.ReadFields(stream.Devices.Single(device => device.Name == "cpu")).Single(field => field.Path == "env.segs[1].selector").Value.ShouldBe("0x0000f000");
    }

    [Test]
    public void The_configuration_and_an_offset_are_heeded()
    {
        byte[] bytes = [.. new byte[4096], .. RecordedStream.Load("none-11.1")];

        var stream = MigrationStream.Read(bytes, 4096);

        stream.Configuration.IgnoreShared.ShouldBeTrue();
        stream.Configuration.Uuid.ShouldBe(new Guid("11111111-1111-1111-1111-111111111111"));
        stream.Parts[0].Offset.ShouldBe(4096 + 8);
        Should.Throw<StreamFormatException>(() => MigrationStream.Read(bytes)).Offset.ShouldBe(0);
    }

    [Test]
    public void A_stream_that_ends_early_is_an_error_wherever_it_ends()
    {
        var bytes = RecordedStream.Load("none-11.1");
        for (var length = 0; length < bytes.Length; length++)
        {
            Should.Throw<StreamFormatException>(() => MigrationStream.Read(bytes.AsMemory(0, length)), $"{length} bytes").Offset.ShouldBeInRange(0, length);
        }
    }

    [Test]
    public void A_wrong_footer_is_named_with_its_offset()
    {
        var bytes = RecordedStream.Load("none-11.1");
        var end = MigrationStream.Read(bytes).Parts.Single(part => part.Name == "timer");
        var footer = (int)(end.Offset + end.Length - 4);
        bytes[footer] = 0x55;

        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(bytes));

        error.Offset.ShouldBe(footer);
        error.Expected.ShouldContain("'timer' in its footer");
    }

    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x","type":"struct","struct":{"fields":[]},"array_len":2000000000,"size":0}]}]}""", "footer of 'timer'")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x","type":"uint64","array_len":2000000000,"size":8}]}]}""", "16000000000 bytes")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x","type":"buffer","array_len":2147483647,"size":9223372036854775807}]}]}""", "the field 'x'")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x","type":"uint64","size":4}]}]}""", "8 bytes of the field 'x' (uint64)")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"version":9,"fields":[]}]}""", "version 9 of 'timer'")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"other","instance_id":0,"fields":[]}]}""", "'other' 0")]
    [TestCase("""{"page_size":4096,"devices":[]}""", "no more devices")]
    [TestCase("""{"page_size":0,"devices":[]}""", "page_size")]
    [TestCase("""{"page_size":4096}""", "a list of devices")]
    public void A_description_that_does_not_fit_is_an_error(string json, string expected) =>
        Should.Throw<StreamFormatException>(() => MigrationStream.Read(RecordedStream.Described(json))).Expected.ShouldContain(expected);

    [Test]
    public void A_description_nested_too_deep_is_an_error()
    {
        var nested = string.Concat(Enumerable.Repeat("""{"devices":[""", 100_000));

        Should.Throw<StreamFormatException>(() => MigrationStream.Read(RecordedStream.Described(nested)));
    }

    [TestCase("none-11.1")]
    [TestCase("q35-7.2")]
    [TestCase("q35-11.1")]
    public void A_stream_without_its_RAM_is_not_whole(string name)
    {
        var bytes = RecordedStream.Load(name);
        var ram = MigrationStream.Read(bytes).Parts.Where(part => part.Name == "ram").Reverse().ToList();
        ram.ShouldNotBeEmpty();
        var without = ram.Aggregate(bytes, (left, part) => [.. left[..(int)part.Offset], .. left[(int)(part.Offset + part.Length)..]]);

        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(without));

        error.Expected.ShouldBe("the last piece of 'ram' before the end of the state");
        without[(int)error.Offset].ShouldBe((byte)0);
    }

    [Test]
    public void A_page_of_one_byte_that_is_not_zero_is_named_with_its_offset()
    {
        var bytes = RecordedStream.Load("q35-11.1");
        var zeros = new ZeroPages();
        MigrationStream.Read(bytes, visitor: zeros);
        bytes[zeros.First] = 0x5a;

        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(bytes));

        error.Offset.ShouldBe(zeros.First);
        error.Seen.ShouldBe("0x5a");
    }

    [TestCase("x-ignore-sharee", "one of the capabilities x-ignore-shared, mapped-ram")]
    [TestCase("x-ignore-shared", "the capability x-ignore-shared once")]
    public void A_capability_in_the_configuration_is_known_and_there_once(string second, string expected)
    {
        const string First = "x-ignore-shared";
        var bytes = RecordedStream.Load("none-11.1");
        var end = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(First)) + First.Length;
        byte[] two = [.. bytes[..end], (byte)second.Length, .. Encoding.ASCII.GetBytes(second), .. bytes[end..]];
        // The number of capabilities, before the length of the first's name.
        two[end - First.Length - 2] = 2;

        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(two));

        error.Expected.ShouldBe(expected);
        error.Offset.ShouldBe(end);
    }

    [TestCase("""{"page_size":4096,"devices":[{"name":"ti\u001b[2Jmer","instance_id":0,"fields":[]}]}""")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x\n","type":"uint64","size":8}]}]}""")]
    [TestCase("""{"page_size":4096,"devices":[{"name":"timer","instance_id":0,"fields":[{"name":"x","type":"\u009b31m","size":8}]}]}""")]
    public void A_name_with_a_control_character_never_reaches_the_terminal(string json)
    {
        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(RecordedStream.Described(json)));

        error.Expected.ShouldContain("a text of printable characters");
        error.Message.Any(char.IsControl).ShouldBeFalse();
    }

    [Test]
    public void A_blocks_name_with_a_control_character_is_shown_by_its_bytes()
    {
        var bytes = RecordedStream.Load("q35-11.1");
        var name = "pc.ram"u8.ToArray();
        // The second time it stands before a page.
        var at = bytes.AsSpan().IndexOf(name);
        at += name.Length + bytes.AsSpan(at + name.Length).IndexOf(name);
        bytes[at] = 0x1b;

        var error = Should.Throw<StreamFormatException>(() => MigrationStream.Read(bytes));

        error.Seen.ShouldBe("0x1b632e72616d");
    }

    private sealed class ZeroPages : IStreamVisitor
    {
        public int First { get; private set; }

        public void Page(in StreamPage page, ReadOnlySpan<byte> content)
        {
            if (page.Kind == PageKind.Zero && First == 0)
            {
                First = (int)page.Offset;
            }
        }
    }
}
