using NUnit.Framework;
using QemuMigTest.Binaries.Store;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class QemuStoreTests : StoreFixture
{
    [Test]
    public void A_store_that_was_never_used_is_empty()
    {
        Store.List().ShouldBeEmpty();
        Store.Find("trixie").ShouldBeNull();
        Store.Remove(Trixie).ShouldBeFalse();
    }

    [Test]
    public void The_default_is_the_newest_suite()
    {
        QemuStore.DefaultSuite.Name.ShouldBe("trixie-backports");
        QemuStore.Suites.MaxBy(suite => Version.Parse(suite.QemuVersion)).ShouldBe(QemuStore.DefaultSuite);
    }

    [Test]
    public void Builds_are_listed_in_the_order_of_the_suites_and_nothing_else_is()
    {
        MakeBuild("trixie");
        MakeBuild("bookworm");
        MakeBuild("unknown");
        Directory.CreateDirectory(At("builds/.work.trixie.1"));
        Store.List().Select(build => build.Suite.Name).ShouldBe(["bookworm", "trixie"]);
    }

    [TestCase("Trixie")]
    [TestCase("../trixie")]
    [TestCase("")]
    [TestCase(".")]
    public void Only_exact_names_are_found(string name)
    {
        MakeBuild("trixie");
        Store.Find(name).ShouldBeNull();
    }

    [Test]
    public void A_removed_build_is_gone_and_others_stay()
    {
        MakeBuild("trixie");
        MakeBuild("trixie-backports");
        Directory.CreateDirectory(At("builds/.work.trixie.1"));
        Directory.CreateDirectory(At("builds/.work.trixie-backports.1"));
        Store.Remove(Trixie).ShouldBeTrue();
        InStore().ShouldBe([".work.trixie-backports.1", "trixie-backports"], ignoreOrder: true);
        Store.Remove(Trixie).ShouldBeFalse();
    }

    [Test]
    public void A_damaged_build_can_be_removed()
    {
        Write("builds/trixie/build.json", "{");
        Store.Remove(Trixie).ShouldBeTrue();
        Store.List().ShouldBeEmpty();
    }

    [Test]
    public void A_build_that_is_being_fetched_is_not_removed()
    {
        MakeBuild("trixie");
        using var held = StoreLock.TryAcquire(StorePaths.Lock(Store.Root, Trixie)).ShouldNotBeNull();
        Should.Throw<QemuStoreException>(() => Store.Remove(Trixie)).Message.ShouldContain("being fetched");
        Store.Find("trixie").ShouldNotBeNull();
    }

    [Test]
    public async Task The_lock_passes_from_one_to_the_next(CancellationToken ct)
    {
        var path = At("lock");
        var said = new TaskCompletionSource();
        var first = StoreLock.TryAcquire(path).ShouldNotBeNull();
        StoreLock.TryAcquire(path).ShouldBeNull();
        var second = StoreLock.AcquireAsync(path, said.SetResult, ct);
        await said.Task;
        second.IsCompleted.ShouldBeFalse();
        first.Dispose();
        using (await second) StoreLock.TryAcquire(path).ShouldBeNull();
        StoreLock.TryAcquire(path).ShouldNotBeNull().Dispose();
    }

    [Test]
    public async Task Waiting_for_the_lock_can_be_ended(CancellationToken ct)
    {
        using var held = StoreLock.TryAcquire(At("lock"));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Should.ThrowAsync<OperationCanceledException>(() => StoreLock.AcquireAsync(At("lock"), end.Cancel, end.Token));
    }

    [TestCase("trixie-backport", "trixie-backports")]
    [TestCase("trixe", "trixie")]
    [TestCase("TRIXIE", "trixie")]
    [TestCase("bookwrom", "bookworm")]
    [TestCase("bookworm-back", "bookworm-backports")]
    [TestCase("trixie_backports", "trixie-backports")]
    [TestCase("bullseye", null)]
    [TestCase("qemu-system-x86_64", null)]
    [TestCase("", null)]
    public void A_mistyped_suite_is_guessed(string given, string? meant) => QemuStore.NearestSuite(given).ShouldBe(meant);

    [Test]
    public void Tidying_drops_set_user_id_and_what_no_QEMU_needs()
    {
        var special = WriteExecutable("root/usr/bin/passwd");
        File.SetUnixFileMode(special, (UnixFileMode)Convert.ToInt32("6755", 8));
        Write("root/usr/share/doc/qemu/copyright", "text");
        Write("root/closed/file", "12345");
        File.SetUnixFileMode(At("root/closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(At("root/outside"), At("etc"));

        StoreFolders.Tidy(At("root")).ShouldBe("#!/bin/sh\n".Length + "12345".Length);
        ((int)File.GetUnixFileMode(special)).ShouldBe(Convert.ToInt32("755", 8));
        Directory.Exists(At("root/usr/share/doc")).ShouldBeFalse();
        File.GetUnixFileMode(At("root/closed")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Test]
    public void A_folder_that_may_not_be_written_to_is_deleted_all_the_same()
    {
        Write("dead/closed/file", "");
        File.SetUnixFileMode(At("dead/closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        StoreFolders.Delete(At("dead"));
        Directory.Exists(At("dead")).ShouldBeFalse();
        StoreFolders.Delete(At("dead"));
    }
}
