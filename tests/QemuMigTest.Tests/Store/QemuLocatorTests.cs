using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Processes;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class QemuLocatorTests : StoreFixture
{
    private const string Command = QemuLocator.Command;

    [Test]
    public async Task Each_side_is_looked_for_in_order()
    {
        MakeBuild("trixie-backports");
        var onPath = WriteExecutable($"tools/{Command}");
        var steps = new (string Option, string Path)[]
        {
            ("--src", WriteExecutable("src/qemu")), ("--qemu", WriteExecutable("both/qemu")),
            ("QTEST_QEMU_BINARY_SRC", WriteExecutable("env-src/qemu")), ("QTEST_QEMU_BINARY", WriteExecutable("env/qemu")), ("PATH", onPath),
        };
        var request = Request() with { Source = steps[0].Path, Qemu = steps[1].Path };
        Variables["QTEST_QEMU_BINARY_SRC"] = steps[2].Path;
        Variables["QTEST_QEMU_BINARY"] = steps[3].Path;

        await Expect(request, steps[0].Path, "--src", steps[1].Path, "--qemu");
        request = request with { Source = null };
        await Expect(request, steps[1].Path, "--qemu", steps[1].Path, "--qemu");
        request = request with { Qemu = null };
        await Expect(request, steps[2].Path, "QTEST_QEMU_BINARY_SRC", steps[3].Path, "QTEST_QEMU_BINARY");
        Variables["QTEST_QEMU_BINARY_SRC"] = "";
        Variables["QTEST_QEMU_BINARY_DST"] = steps[2].Path;
        await Expect(request, steps[3].Path, "QTEST_QEMU_BINARY", steps[2].Path, "QTEST_QEMU_BINARY_DST");
        Variables["QTEST_QEMU_BINARY"] = "";
        Variables["QTEST_QEMU_BINARY_DST"] = "";
        await Expect(request, onPath, "PATH", onPath, "PATH");
        File.Delete(onPath);
        var stored = Store.Find("trixie-backports")!.Launch.Executable;
        await Expect(request, stored, "store trixie-backports", stored, "store trixie-backports");
    }

    [Test]
    public async Task The_store_gives_its_default_suite_else_its_newest_whole_build()
    {
        MakeBuild("bookworm", "9.9.9");
        MakeBuild("trixie", "10.0.13");
        (await LocateAsync(Request())).SourceFrom.ShouldBe("store trixie");
        MakeBuild("trixie-backports", "8.0.0");
        (await LocateAsync(Request())).SourceFrom.ShouldBe("store trixie-backports");
        File.Delete(At("builds/trixie-backports/build.json"));
        File.Delete(At("builds/trixie/build.json"));
        (await LocateAsync(Request())).SourceFrom.ShouldBe("store bookworm");
    }

    [Test]
    public async Task When_there_is_none_at_all_the_default_suite_is_fetched_once()
    {
        Tools.WithApt();
        var pair = await LocateAsync(Request());
        pair.SourceFrom.ShouldBe("store trixie-backports, fetched for this run");
        pair.DestinationFrom.ShouldBe("store trixie-backports");
        pair.Source.Name.ShouldBe("trixie-backports");
        Tools.Calls.Count(call => call.StartsWith("update", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Test]
    public async Task A_suite_that_is_named_is_fetched_if_it_is_not_there_whole()
    {
        Tools.WithApt();
        Write("builds/trixie/build.json", "{");
        MakeBuild("bookworm");
        var pair = await LocateAsync(Request() with { Source = "bookworm", Destination = "trixie" });
        (pair.Source.Name, pair.SourceFrom).ShouldBe(("bookworm", "--src"));
        (pair.Destination.Name, pair.DestinationFrom).ShouldBe(("trixie", "--dst"));
        Store.Find("trixie")!.Damage.ShouldBeNull();
        Tools.Calls.Count(call => call.StartsWith("update", StringComparison.Ordinal)).ShouldBe(1);
    }

    [TestCase(null, "store in")]
    [TestCase("trixie", "--qemu names trixie")]
    public async Task Fetching_can_be_forbidden(string? qemu, string named)
    {
        Tools.WithApt();
        Variables[QemuLocator.NoFetchVariable] = "1";
        var message = await ErrorOfAsync(Request() with { Qemu = qemu });
        message.ShouldContain(named);
        message.ShouldContain(QemuLocator.NoFetchVariable);
        Tools.Calls.ShouldBeEmpty();
    }

    [Test]
    public async Task A_bare_command_is_looked_up_on_PATH_and_keeps_its_name()
    {
        WriteExecutable("first/other");
        File.SetUnixFileMode(At("first/other"), UnixFileMode.UserRead);
        Directory.CreateDirectory(At("second/other"));
        var found = WriteExecutable("third/other");
        var request = Request() with { Qemu = "other", SearchPath = $"{At("first")}:{At("second")}:{At("third")}" };
        var pair = await LocateAsync(request);
        pair.Source.FileName.ShouldBe(found);
        pair.Source.Name.ShouldBe("other");
    }

    [Test]
    public async Task A_script_is_as_good_as_a_binary_and_a_relative_path_becomes_absolute()
    {
        var script = WriteExecutable("bin/wrapper.sh");
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, script);
        var pair = await LocateAsync(Request() with { Qemu = relative });
        pair.Source.FileName.ShouldBe(script);
        pair.Source.Name.ShouldBe(relative);
    }

    [Test]
    public async Task What_is_no_program_is_refused_with_the_reason()
    {
        var text = Write("bin/notes", "");
        File.SetUnixFileMode(text, UnixFileMode.UserRead);
        File.CreateSymbolicLink(At("bin/broken"), At("nowhere"));
        WriteExecutable($"build/{Command}");

        (await ErrorOfAsync(Request() with { Source = At("bin/none") })).ShouldBe($"--src: {At("bin/none")} does not exist.");
        (await ErrorOfAsync(Request() with { Qemu = text })).ShouldContain($"chmod +x {text}");
        (await ErrorOfAsync(Request() with { Qemu = At("bin") })).ShouldContain("is a folder");
        (await ErrorOfAsync(Request() with { Qemu = At("build") })).ShouldContain($"did you mean {At("build")}/{Command}?");
        (await ErrorOfAsync(Request() with { Qemu = At("bin/broken") })).ShouldContain($"is a link to {At("nowhere")}, which does not exist");
        (await ErrorOfAsync(Request() with { Qemu = "" })).ShouldContain("--qemu is empty");
    }

    [Test]
    public async Task A_mistyped_suite_is_answered_with_the_nearest()
    {
        (await ErrorOfAsync(Request() with { Qemu = "trixie-backport" })).ShouldContain("Did you mean trixie-backports of the store?");
        (await ErrorOfAsync(Request() with { Destination = "sarge", Source = WriteExecutable("qemu") })).ShouldContain("bookworm, bookworm-backports, trixie, trixie-backports");
    }

    [Test]
    public async Task Upstreams_variables_name_no_suite()
    {
        Variables["QTEST_QEMU_BINARY"] = "trixie";
        (await ErrorOfAsync(Request())).ShouldBe("QTEST_QEMU_BINARY: no executable `trixie` was found on PATH. QTEST_QEMU_BINARY can only name a path; for trixie of the store pass --qemu, --src or --dst.");
    }

    private QemuLocatorRequest Request() => new() { Environment = name => Variables.GetValueOrDefault(name), Store = Store };

    private static Task<QemuPair> LocateAsync(QemuLocatorRequest request) => QemuLocator.LocateAsync(request, null, CancellationToken.None);

    private static async Task<string> ErrorOfAsync(QemuLocatorRequest request) =>
        (await Should.ThrowAsync<QemuStartException>(() => LocateAsync(request))).Message;

    private static async Task Expect(QemuLocatorRequest request, string source, string sourceFrom, string destination, string destinationFrom)
    {
        var pair = await LocateAsync(request);
        (pair.Source.Executable, pair.SourceFrom, pair.Destination.Executable, pair.DestinationFrom).ShouldBe((source, sourceFrom, destination, destinationFrom));
    }
}
