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
}
