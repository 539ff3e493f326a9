using Mono.Unix.Native;
using NUnit.Framework;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Processes;

public sealed class ScratchDirectoryTests
{
    private readonly TempFolder _folder = new();

    [TearDown]
    public void End() => _folder.Dispose();

    [Test]
    public void Only_its_owner_can_enter_it_and_it_is_gone_after_use()
    {
        using (var root = ScratchDirectory.CreateRoot(_folder.Path))
        using (var child = root.CreateChild("probe"))
        {
            foreach (var path in new[] { root.Path, child.Path })
            {
                Syscall.stat(path, out var stat).ShouldBe(0);
                (stat.st_mode & FilePermissions.ALLPERMS).ShouldBe(FilePermissions.S_IRWXU);
            }

            Path.GetDirectoryName(child.Path).ShouldBe(root.Path);
            File.WriteAllText(child.File("source.stderr"), "text");
        }

        Directory.EnumerateFileSystemEntries(_folder.Path).ShouldBeEmpty();
    }

    [Test]
    public void Children_of_one_name_are_folders_of_their_own()
    {
        using var root = ScratchDirectory.CreateRoot(_folder.Path);
        root.CreateChild("channel").Path.ShouldNotBe(root.CreateChild("channel").Path);
    }

    [Test]
    public void A_root_that_was_deleted_does_not_come_back_with_a_child()
    {
        var root = ScratchDirectory.CreateRoot(_folder.Path);
        root.Dispose();
        Should.Throw<QemuStartException>(() => root.CreateChild("late")).Message.ShouldContain("cannot be made: No such file or directory");
        Directory.Exists(root.Path).ShouldBeFalse();
    }

    [Test]
    public void A_path_too_long_for_sockets_is_refused_with_the_remedy()
    {
        var parent = Directory.CreateDirectory(_folder.File(new string('x', 80))).FullName;
        var refused = Should.Throw<QemuStartException>(() => ScratchDirectory.CreateRoot(parent));
        refused.Message.ShouldContain("107 bytes");
        refused.Message.ShouldContain($"Set {ScratchDirectory.Variable}");
        Directory.EnumerateFileSystemEntries(parent).ShouldBeEmpty();
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_refused_with_the_remedy()
    {
        var file = _folder.File("file");
        File.WriteAllText(file, "");
        foreach (var parent in new[] { file, "/proc/self" })
        {
            var refused = Should.Throw<QemuStartException>(() => ScratchDirectory.CreateRoot(parent));
            refused.Message.ShouldContain($"below {parent}");
            refused.Message.ShouldContain($"Set {ScratchDirectory.Variable}");
        }
    }

    [Test]
    public async Task The_folder_of_a_dead_run_is_swept_and_that_of_a_living_one_stays()
    {
        using var spawner = new ProcessSpawner();
        var living = await spawner.StartAsync(new() { FileName = "/bin/sleep", Arguments = ["60"], OutputFile = _folder.File("output") });
        var stat = await File.ReadAllTextAsync($"/proc/{living.Id}/stat");
        var started = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        var ofLiving = Directory.CreateDirectory(_folder.File($"qmt-{Namespace()}-{living.Id}-{started}-abcd")).FullName;
        var ofEarlier = Directory.CreateDirectory(_folder.File($"qmt-{Namespace()}-{living.Id}-1-abcd")).FullName;
        var others = Directory.CreateDirectory(_folder.File("qmt-notes")).FullName;
        await File.WriteAllTextAsync(Path.Combine(ofEarlier, "file"), "");

        using var root = ScratchDirectory.CreateRoot(_folder.Path);
        Directory.EnumerateDirectories(_folder.Path).ShouldBe([ofLiving, others, root.Path], ignoreOrder: true);

        living.Kill();
        await living.Exited;
        using var next = ScratchDirectory.CreateRoot(_folder.Path);
        Directory.EnumerateDirectories(_folder.Path).ShouldBe([others, root.Path, next.Path], ignoreOrder: true);
    }

    [Test]
    public void A_folder_of_another_container_stays_as_nobody_here_knows_its_process()
    {
        var ofContainer = Directory.CreateDirectory(_folder.File($"qmt-{Namespace()}0-{Environment.ProcessId}-1-abcd")).FullName;
        using var root = ScratchDirectory.CreateRoot(_folder.Path);
        Directory.EnumerateDirectories(_folder.Path).ShouldBe([ofContainer, root.Path], ignoreOrder: true);
    }

    private string Namespace()
    {
        using var root = ScratchDirectory.CreateRoot(_folder.Path);
        return Path.GetFileName(root.Path).Split('-')[1];
    }
}
