using NUnit.Framework;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class StoredQemuTests : StoreFixture
{
    [TestCase("trixie", "usr/lib/x86_64-linux-gnu")]
    [TestCase("bookworm", "lib/x86_64-linux-gnu")]
    public void A_build_is_started_by_its_own_loader(string suite, string libraries)
    {
        MakeBuild(suite, libraries: libraries);
        var root = At($"builds/{suite}/root");
        var launch = Store.Find(suite).ShouldNotBeNull().Launch;
        launch.Name.ShouldBe(suite);
        launch.FileName.ShouldBe($"{root}/{libraries}/ld-linux-x86-64.so.2");
        launch.Executable.ShouldBe($"{root}/usr/bin/qemu-system-x86_64");
        launch.PrefixArguments.ShouldBe(
        [
            "--library-path", $"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu",
            $"{root}/usr/bin/qemu-system-x86_64",
            "-L", $"{root}/usr/share/qemu", "-L", $"{root}/usr/share/seabios", "-L", $"{root}/usr/lib/ipxe/qemu",
        ]);
        launch.Environment.ShouldBe(new Dictionary<string, string> { ["QEMU_MODULE_DIR"] = $"{root}/usr/lib/x86_64-linux-gnu/qemu" });
    }

    [Test]
    public void A_whole_build_tells_what_it_is()
    {
        MakeBuild("trixie", "10.0.13");
        var build = Store.List().ShouldHaveSingleItem();
        build.Damage.ShouldBeNull();
        build.Suite.ShouldBe(Trixie);
        build.Version.ShouldBe("10.0.13");
        build.PackageVersion.ShouldBe("1:10.0.13+ds-1");
        build.SizeBytes.ShouldBe(1_000_000);
        build.Path.ShouldBe(At("builds/trixie"));
        build.Fetched.ShouldBe(DateTimeOffset.UnixEpoch);
    }

    [TestCase("", "build.json")]
    [TestCase("{", "build.json")]
    [TestCase("null", "build.json")]
    [TestCase("{}", "build.json")]
    [TestCase("{\"suite\": null}", "build.json")]
    [TestCase("\0\0\0", "build.json")]
    public void An_unreadable_description_is_damage(string text, string named)
    {
        MakeBuild("trixie");
        Write("builds/trixie/build.json", text);
        Store.List().ShouldHaveSingleItem().Damage.ShouldNotBeNull().ShouldContain(named);
    }

    [TestCase("usr/bin/qemu-system-x86_64")]
    [TestCase("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")]
    public void A_missing_program_is_damage(string name)
    {
        MakeBuild("trixie");
        File.Delete(At($"builds/trixie/root/{name}"));
        Store.Find("trixie")!.Damage.ShouldNotBeNull().ShouldContain(name);
    }

    [Test]
    public void A_program_that_is_not_executable_is_damage()
    {
        MakeBuild("trixie");
        File.SetUnixFileMode(At("builds/trixie/root/usr/bin/qemu-system-x86_64"), UnixFileMode.UserRead);
        Store.Find("trixie")!.Damage.ShouldNotBeNull().ShouldContain("not executable");
    }

    [Test]
    public void A_build_that_was_not_fetched_to_the_end_is_damage()
    {
        WriteExecutable("builds/trixie/root/usr/bin/qemu-system-x86_64");
        Store.Find("trixie")!.Damage.ShouldNotBeNull().ShouldContain("build.json");
    }

    [Test]
    public void A_build_of_another_suite_is_damage()
    {
        MakeBuild("bookworm");
        Directory.Move(At("builds/bookworm"), At("builds/trixie"));
        Store.Find("trixie")!.Damage.ShouldNotBeNull().ShouldContain("bookworm");
    }
}
