using NUnit.Framework;
using QemuMigTest.NUnit;
using QemuMigTest.Processes;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Cli;

public sealed class LogKeeperTests
{
    private readonly TempFolder _folder = new();

    [TearDown]
    public void End() => _folder.Dispose();

    [Test]
    public void A_scratch_folder_that_is_gone_leaves_no_empty_folder_in_the_results()
    {
        var scratch = ScratchDirectory.CreateRoot(_folder.Path);
        scratch.Dispose();
        Should.Throw<DirectoryNotFoundException>(() => LogKeeper.Keep(scratch, _folder.File("results"), "/sample"));
        Directory.Exists(_folder.File("results")).ShouldBeFalse();
    }
}
