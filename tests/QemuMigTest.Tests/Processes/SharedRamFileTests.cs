using NUnit.Framework;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class SharedRamFileTests
{
    // More than any pid_max.
    private const int NobodysId = 4_194_305;

    [SetUp]
    public void NeedsSharedMemory()
    {
        if (SharedMemory.WhyNot(SharedMemory.Folder, 1 << 20) is { } error)
        {
            Assert.Ignore(error);
        }
    }

    [Test]
    public void The_file_is_of_its_size_and_can_be_opened_when_its_name_is_gone()
    {
        using var file = SharedRamFile.Create(1 << 20);
        var folder = Path.GetDirectoryName(file.Path);
        new FileInfo(file.Path).Length.ShouldBe(1 << 20);
        file.RemoveName();
        Directory.Exists(folder).ShouldBeFalse();
        using var again = File.OpenRead(file.Path);
        again.Length.ShouldBe(1 << 20);
    }

    [Test]
    public void What_is_disposed_of_leaves_nothing()
    {
        var file = SharedRamFile.Create(1 << 20);
        var folder = Path.GetDirectoryName(file.Path);
        file.Dispose();
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Test]
    public void A_size_that_does_not_fit_is_refused_with_the_reason() =>
        Should.Throw<QemuStartException>(() => SharedRamFile.Create(1L << 50)).Message.ShouldContain("no room for the guest's");

    [Test]
    public void What_a_killed_run_left_is_swept_by_the_next_run()
    {
        var left = Directory.CreateDirectory($"{SharedMemory.Folder}/qmt-{Namespace()}-{NobodysId}-1-{Guid.NewGuid().ToString("N")[..4]}").FullName;
        File.WriteAllText(Path.Combine(left, "ram"), "");
        ScratchDirectory.CreateRoot().Dispose();
        Directory.Exists(left).ShouldBeFalse();
    }

    private static string Namespace()
    {
        using var root = ScratchDirectory.CreateRoot(SharedMemory.Folder);
        return Path.GetFileName(root.Path).Split('-')[1];
    }
}
