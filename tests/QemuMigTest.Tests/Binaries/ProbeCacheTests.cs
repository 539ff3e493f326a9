using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Tests.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Binaries;

public sealed class ProbeCacheTests
{
    private readonly TempFolder _folder = new();

    [TearDown]
    public void End() => _folder.Dispose();

    [Test]
    public void What_was_stored_is_found_whole()
    {
        var (cache, launch) = Stored();
        var found = cache.Find(launch)!;
        found.Launch.ShouldBe(launch);
        found.Version.ShouldBe(new QemuVersion(10, 0, 0, ""));
        found.Accelerators.ShouldBe(["tcg", "kvm"], ignoreOrder: true);
        found.FindMachine("q35").ShouldBe(new MachineType("pc-q35-10.0", "q35", true));
        found.MigrationCapabilities.ShouldContain("multifd");
        found.HasArgument("migrate", "channels").ShouldBeTrue();
        found.Commands["migrate"]["channels"].ShouldBe(["file", "socket"]);
        found.Options["run-with"].ShouldBe(["async-teardown"]);
    }

    [Test]
    public void A_binary_that_has_changed_is_not_known_any_more()
    {
        var (cache, launch) = Stored();
        File.AppendAllText(launch.Executable, "more");
        cache.Find(launch).ShouldBeNull();

        (cache, launch) = Stored();
        File.SetLastWriteTimeUtc(launch.Executable, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        cache.Find(launch).ShouldBeNull();
    }

    [Test]
    public void A_script_is_asked_anew_for_what_it_starts_may_have_changed()
    {
        var script = _folder.File("script");
        File.WriteAllText(script, "#!/bin/sh\nexec qemu-system-x86_64 \"$@\"\n");
        var launch = Launch(script);
        var cache = new ProbeCache(_folder.File("cache"));
        cache.Store(launch, Build(launch));
        cache.Find(launch).ShouldBeNull();
    }

    [Test]
    public void A_link_that_leads_to_another_binary_is_not_known_any_more()
    {
        var (first, second, link) = (_folder.File("first"), _folder.File("second"), _folder.File("link"));
        File.WriteAllText(first, "1");
        File.Copy(first, second);
        File.SetLastWriteTimeUtc(second, File.GetLastWriteTimeUtc(first));
        File.CreateSymbolicLink(link, first);
        var (cache, launch) = Stored(link);
        File.Delete(link);
        File.CreateSymbolicLink(link, second);
        cache.Find(launch).ShouldBeNull();
    }

    [TestCase("")]
    [TestCase("{\"Key\"")]
    [TestCase("null")]
    [TestCase("{}")]
    [TestCase("[1]")]
    public void A_file_that_is_damaged_is_no_knowledge_and_is_replaced(string content)
    {
        var (cache, launch) = Stored();
        var file = Directory.GetFiles(_folder.File("cache")).ShouldHaveSingleItem();
        File.WriteAllText(file, content);
        cache.Find(launch).ShouldBeNull();
        cache.Store(launch, Build(launch));
        cache.Find(launch).ShouldNotBeNull();
    }

    [Test]
    public void A_file_without_its_binary_is_damaged()
    {
        var (cache, launch) = Stored();
        var file = Directory.GetFiles(_folder.File("cache")).ShouldHaveSingleItem();
        var whole = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(file))!;
        whole["Binary"] = null;
        File.WriteAllText(file, whole.ToJsonString());
        cache.Find(launch).ShouldBeNull();
    }

    [Test]
    public void A_folder_that_cannot_be_written_only_costs_time()
    {
        var launch = Launch(_folder.File("qemu"));
        var cache = new ProbeCache(Path.Combine(launch.Executable, "cache"));
        cache.Store(launch, Build(launch));
        cache.Find(launch).ShouldBeNull();
    }

    private (ProbeCache Cache, QemuLaunch Launch) Stored(string? executable = null)
    {
        var launch = Launch(executable ?? _folder.File("qemu"));
        var cache = new ProbeCache(_folder.File("cache"));
        cache.Find(launch).ShouldBeNull();
        cache.Store(launch, Build(launch));
        cache.Find(launch).ShouldNotBeNull();
        return (cache, launch);
    }

    private static QemuLaunch Launch(string executable)
    {
        if (!File.Exists(executable))
        {
            File.WriteAllText(executable, "");
        }

        return QemuLaunch.OfBinary(executable);
    }

    private static QemuBinary Build(QemuLaunch launch) => Builds.Of(10, 0, new MachineType("pc-q35-10.0", "q35", true)) with { Launch = launch };
}
