using NUnit.Framework;
using QemuMigTest.Hosts;
using QemuMigTest.NUnit.Requirements;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Hosts;

public sealed class ReservedHugePagesTests
{
    [TestCase(160, 150, 0, null)]
    [TestCase(150, 150, 0, null)]
    [TestCase(160, 149, 0, "149 free of 160")]
    [TestCase(160, 155, 6, "149 free of 160")]
    [TestCase(0, 0, 0, "0 free of 0")]
    public void There_are_enough_when_so_many_are_free_and_promised_to_nobody(int all, int free, int promised, string? found)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("nr_hugepages"), $"{all}\n");
        File.WriteAllText(folder.File("free_hugepages"), $"{free}\n");
        File.WriteAllText(folder.File("resv_hugepages"), $"{promised}\n");
        ReservedHugePages.WhyNot(folder.Path, 150).ShouldBe(found);
    }

    [Test]
    public void A_kernel_without_them_is_told_of()
    {
        using var folder = new TempFolder();
        ReservedHugePages.WhyNot(folder.File("missing"), 1).ShouldBe($"no folder {folder.File("missing")}");
    }

    [Test]
    public void Both_sides_RAM_is_what_is_wanted() => new RequiresHugePagesAttribute().Wanted.ShouldBe("150 free huge pages of 2 MiB");
}
