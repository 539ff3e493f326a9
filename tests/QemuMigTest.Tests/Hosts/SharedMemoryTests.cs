using NUnit.Framework;
using QemuMigTest.Hosts;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class SharedMemoryTests
{
    [Test]
    public void A_folder_with_room_will_do()
    {
        using var folder = new TempFolder();
        SharedMemory.WhyNot(folder.Path, 1).ShouldBeNull();
    }

    [Test]
    public void A_missing_folder_is_named()
    {
        using var folder = new TempFolder();
        SharedMemory.WhyNot(folder.File("missing"), 1).ShouldBe($"no folder {folder.File("missing")}");
    }

    [Test]
    public void A_folder_without_room_is_named_with_what_is_free()
    {
        using var folder = new TempFolder();
        SharedMemory.WhyNot(folder.Path, long.MaxValue).ShouldNotBeNull().ShouldMatch(@" with \d+ MiB free$");
    }
}
