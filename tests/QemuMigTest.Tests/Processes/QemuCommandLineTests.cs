using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class QemuCommandLineTests
{
    [Test]
    public void Options_are_added_to_a_copy()
    {
        var line = new QemuCommandLine().With("-S");
        line.With("-m", "150M").With(["-name", "a"]).Arguments.ShouldBe(["-S", "-m", "150M", "-name", "a"]);
        line.Arguments.ShouldBe(["-S"]);
    }

    [Test]
    public void Commas_are_doubled_in_lists() => QemuCommandLine.InList("/a,b/c,,d").ShouldBe("/a,,b/c,,,,d");

    [TestCase("-m=1,a.b:/c@d%e+_", "-m=1,a.b:/c@d%e+_")]
    [TestCase("", "''")]
    [TestCase("a b", "'a b'")]
    [TestCase("it's", @"'it'\''s'")]
    [TestCase("$(x)`y`\"z\"\\", "'$(x)`y`\"z\"\\'")]
    public void Words_are_quoted_where_a_shell_needs_it(string word, string quoted) => QemuCommandLine.Quote([word]).ShouldBe(quoted);

    [FsCheck.NUnit.Property(MaxTest = 20)]
    public bool A_shell_reads_back_what_was_quoted(FsCheck.NonNull<string>[] words)
    {
        // What no argument of a process can hold is left out: NUL, and halves of surrogate pairs.
        var wanted = words.Select(word => new string([.. word.Get.Where(c => c != '\0' && !char.IsSurrogate(c))])).ToList();
        using var folder = new TempFolder();
        using var spawner = new ProcessSpawner();
        var script = $"for word in \"$@\"; do printf '%s\\0' \"$word\"; done";
        var child = spawner.StartAsync(new()
        {
            FileName = "/bin/sh",
            Arguments = ["-c", $"set -- {QemuCommandLine.Quote(wanted)}\n{script}"],
            OutputFile = folder.File("output"),
        }).GetAwaiter().GetResult();
        child.Exited.Wait();
        return File.ReadAllText(folder.File("output")) == string.Concat(wanted.Select(word => word + "\0"));
    }
}
