using System.Globalization;
using NUnit.Framework;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Store;

/// <summary>Fetches with scripts in the place of apt and dpkg.</summary>
[TestFixture, CancelAfter(120_000)]
internal sealed class QemuStoreFetchTests : StoreFixture
{
    private readonly RecordedProgress _progress = new();

    [Test]
    public async Task A_fetched_build_is_whole_and_nothing_else_is_left(CancellationToken ct)
    {
        Tools.WithApt();
        var build = await Store.FetchAsync(Trixie, _progress, ct);
        build.Damage.ShouldBeNull();
        build.Version.ShouldBe("11.1.3");
        build.PackageVersion.ShouldBe("1:11.1.3+ds-1");
        // SHA-256 of "content\n", which is what the script downloads.
        build.Packages.ShouldBe(
        [
            new("libc6", "2.41-12", "amd64", "434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53"),
            new("qemu-system-x86", "1:11.1.3+ds-1", "amd64", "434728a410a78f56fc1b5899c3593436e61ab0c731e9072d95e96db290205e53"),
        ]);
        Store.Find("trixie").ShouldNotBeNull().Version.ShouldBe("11.1.3");
        (File.GetUnixFileMode(build.Launch.Executable) & UnixFileMode.SetUser).ShouldBe(UnixFileMode.None);
        InStore().ShouldBe(["trixie"]);
    }

    [Test]
    public async Task Progress_counts_bytes_and_packages(CancellationToken ct)
    {
        Tools.WithApt();
        await Store.FetchAsync(Trixie, _progress, ct);
        _progress.Stages.ShouldBe([StoreStage.Lists, StoreStage.Download, StoreStage.Unpack, StoreStage.Check, StoreStage.Done]);
        var download = _progress.Reports.Last(report => report.Stage == StoreStage.Download);
        (download.Done, download.Total).ShouldBe((16, 16));
        var unpack = _progress.Reports.Last(report => report.Stage == StoreStage.Unpack);
        (unpack.Done, unpack.Total).ShouldBe((2, 2));
        _progress.Reports.ShouldAllBe(report => report.Text.StartsWith("trixie: "));
    }

    [Test]
    public async Task Apt_is_asked_for_signed_packages_of_the_suite_with_the_machines_proxy(CancellationToken ct)
    {
        Tools.WithApt();
        await Store.FetchAsync(Trixie, null, ct);
        Tools.Calls.ShouldBe(
        [
            "update -q update",
            "plan -q install -y -t trixie qemu-system-x86 --print-uris",
            "download -q install -y -t trixie qemu-system-x86 --download-only",
        ]);
        var settings = await File.ReadAllTextAsync(Tools.At("apt.conf"), ct);
        settings.ShouldContain("proxy.example");
        settings.ShouldNotContain("Post-Invoke");
    }

    [Test]
    public async Task A_whole_build_stays_as_long_as_the_suite_has_nothing_newer(CancellationToken ct)
    {
        Tools.WithApt();
        var first = await Store.FetchAsync(Trixie, null, ct);
        (await Store.FetchAsync(Trixie, null, ct)).Fetched.ShouldBe(first.Fetched);
        Tools.Calls.Count(call => call.StartsWith("download", StringComparison.Ordinal)).ShouldBe(1);

        Tools.Set("plan", "'http://mirror.example/q.deb' qemu-system-x86_1%3a11.1.4+ds-1_amd64.deb 8\n");
        (await Store.FetchAsync(Trixie, null, ct)).PackageVersion.ShouldBe("1:11.1.4+ds-1");
        InStore().ShouldBe(["trixie"]);
    }

    [Test]
    public async Task A_damaged_build_is_mended(CancellationToken ct)
    {
        Tools.WithApt();
        var first = await Store.FetchAsync(Trixie, null, ct);
        File.Delete(first.Launch.Executable);
        Store.Find("trixie")!.Damage.ShouldNotBeNull();
        (await Store.FetchAsync(Trixie, null, ct)).Damage.ShouldBeNull();
    }

    [Test]
    public async Task What_dead_fetches_left_is_swept(CancellationToken ct)
    {
        Tools.WithApt();
        Write("builds/.work.trixie.dead/entry/root/file", "");
        Write("builds/.work.trixie-backports.alive/entry/root/file", "");
        await Store.FetchAsync(Trixie, null, ct);
        InStore().ShouldBe([".work.trixie-backports.alive", "trixie"], ignoreOrder: true);
    }

    [TestCase("update", "Fetching the package lists of trixie failed: apt-get exited with 100")]
    [TestCase("plan", "Choosing the packages of trixie failed: apt-get exited with 100")]
    [TestCase("download", "Downloading the packages of trixie failed: apt-get exited with 100")]
    public async Task A_failure_of_apt_tells_what_it_said_and_the_remedy_and_changes_nothing(string step, string what)
    {
        Tools.WithApt().Set(step + ".error", "W: first\nE: Could not connect to mirror.example\n");
        Write("builds/trixie/build.json", "{");
        var message = (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, CancellationToken.None))).Message;
        message.ShouldContain(what);
        message.ShouldContain("E: Could not connect to mirror.example");
        message.ShouldContain(QemuStore.MirrorVariable);
        message.ShouldContain("--qemu PATH");
        message.ShouldContain("http_proxy");
        InStore().ShouldBe(["trixie"]);
    }

    [Test]
    public async Task A_full_disk_is_told_as_such(CancellationToken ct)
    {
        Tools.WithApt().Set("unpack.error", "tar: ./usr/bin/qemu-system-x86_64: Cannot write: No space left on device\n");
        var message = (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, ct))).Message;
        message.ShouldContain("Unpacking ");
        message.ShouldContain("The disk is full");
        InStore().ShouldBeEmpty();
    }

    [Test]
    public async Task A_plan_without_a_QEMU_is_a_failure(CancellationToken ct)
    {
        Tools.WithApt().Set("plan", "'http://mirror.example/l.deb' libc6_2.41-12_amd64.deb 8\n");
        (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, ct))).Message.ShouldContain("qemu-system-x86 is not among them");
    }

    [Test]
    public async Task A_QEMU_that_does_not_run_is_not_stored(CancellationToken ct)
    {
        Tools.WithApt().Set("loader", "#!/bin/sh\necho 'error while loading shared libraries: libfoo.so.1' >&2\nexit 127\n");
        (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, ct))).Message.ShouldContain("libfoo.so.1");
        InStore().ShouldBeEmpty();
    }

    [TestCase("apt-get")]
    [TestCase("apt-config")]
    [TestCase("dpkg-deb")]
    public async Task A_missing_tool_is_named_with_the_remedy(string tool)
    {
        File.Delete(Tools.WithApt().At(tool));
        var message = (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, CancellationToken.None))).Message;
        message.ShouldContain($"{tool} was not found on PATH");
        message.ShouldContain("install the package");
        message.ShouldContain("--qemu PATH");
    }

    [Test]
    public async Task A_missing_keyring_is_named_with_the_remedy(CancellationToken ct)
    {
        Tools.WithApt();
        File.Delete(Options.Keyring);
        (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, ct))).Message.ShouldContain("install debian-archive-keyring");
        Tools.Calls.ShouldBeEmpty();
    }

    [Test]
    public async Task A_folder_that_the_loader_cannot_take_is_refused(CancellationToken ct)
    {
        var store = new QemuStore(Options with { Root = At("a:b") });
        (await Should.ThrowAsync<QemuStoreException>(() => store.FetchAsync(Trixie, null, ct))).Message.ShouldContain("XDG_CACHE_HOME");
    }

    [Test]
    public async Task A_store_that_cannot_be_written_to_is_a_failure_with_a_reason(CancellationToken ct)
    {
        Write("builds", "a file is in the way");
        (await Should.ThrowAsync<QemuStoreException>(() => Store.FetchAsync(Trixie, null, ct))).Message.ShouldContain(Store.Root);
    }

    [Test]
    public async Task The_token_ends_apt_and_what_apt_had_started_and_nothing_is_left(CancellationToken ct)
    {
        Tools.WithApt().Set("update.hang", "");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var fetch = Store.FetchAsync(Trixie, null, end.Token);
        await PollAsync(() => new FileInfo(Tools.At("sleeper")) is { Exists: true, Length: > 0 }, ct);
        await end.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(() => fetch)).ShouldNotBeNull();
        InStore().ShouldBeEmpty();
        var sleeper = int.Parse(await File.ReadAllTextAsync(Tools.At("sleeper"), ct), CultureInfo.InvariantCulture);
        await PollAsync(() => ProcessEntry.ReadAll().TrueForAll(process => process.Id != sleeper || process.HasEnded), ct);
    }

    [Test]
    public async Task The_second_of_two_fetches_waits_says_so_and_takes_what_the_first_fetched(CancellationToken ct)
    {
        Tools.WithApt();
        Directory.CreateDirectory(Store.Root);
        var first = StoreLock.TryAcquire(StorePaths.Lock(Store.Root, Trixie)).ShouldNotBeNull();
        var second = Store.FetchAsync(Trixie, _progress, ct);
        await PollAsync(() => _progress.Stages.Contains(StoreStage.Waiting), ct);
        MakeBuild("trixie");
        // It was fetched after the second fetch had begun.
        (StoreManifest.Read(At("builds/trixie")) with { Fetched = TimeProvider.System.GetUtcNow() }).Write(At("builds/trixie"));
        first.Dispose();
        (await second).Version.ShouldBe("10.0.2");
        Tools.Calls.ShouldBeEmpty();
    }

    private static async Task PollAsync(Func<bool> seen, CancellationToken ct)
    {
        while (!seen()) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, ct);
    }
}
