using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class OpenFileTests
{
    [TestCase("pos:\t0\nflags:\t02100002\nmnt_id:\t25\n", true, false)]
    [TestCase("pos:\t0\nflags:\t02100000\nlock:\t1: OFDLCK  ADVISORY  READ -1 fe:00:11986039 100 101\n", false, false)]
    [TestCase("pos:\t0\nflags:\t0140001\n", true, true)]
    public void How_a_file_is_open_is_read_from_fdinfo(string info, bool writable, bool direct)
    {
        var file = new OpenFile("/a", OpenFile.FlagsIn(info));
        (file.IsWritable, file.IsDirect).ShouldBe((writable, direct));
    }

    [Test]
    public void An_fdinfo_without_flags_is_an_error() => Should.Throw<FormatException>(() => OpenFile.FlagsIn("pos:\t0\n")).Message.ShouldContain("no flags: in: pos:");

    [TestCase(FileAccess.Read, false)]
    [TestCase(FileAccess.ReadWrite, true)]
    public void A_file_that_a_process_has_open_is_found(FileAccess access, bool writable)
    {
        using var folder = new TempFolder();
        var path = Path.Combine(folder.Path, "file");
        File.WriteAllText(path, "");
        using (new FileStream(path, FileMode.Open, access))
        {
            OpenFile.Of(Environment.ProcessId).Single(file => file.Path == path).IsWritable.ShouldBe(writable);
        }

        OpenFile.Of(Environment.ProcessId).ShouldNotContain(file => file.Path == path);
    }

    [Test]
    public void A_process_that_is_not_there_has_none_open() => OpenFile.Of(int.MaxValue).ShouldBeEmpty();
}
