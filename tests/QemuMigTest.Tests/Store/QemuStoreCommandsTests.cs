using System.CommandLine;
using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Cli;
using QemuMigTest.Cli.Output;
using QemuMigTest.Cli.Run;
using Shouldly;

namespace QemuMigTest.Tests.Store;

[TestFixture, CancelAfter(120_000)]
internal sealed class QemuStoreCommandsTests : StoreFixture
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Test]
    public async Task The_list_shows_what_is_fetched_what_is_not_and_what_is_damaged()
    {
        MakeBuild("trixie", "10.0.13");
        Write("builds/bookworm/build.json", "{");
        (await RunAsync("list")).ShouldBe(0);
        var lines = _output.ToString().TrimEnd('\n').Split('\n');
        lines.Length.ShouldBe(4);
        lines[0].ShouldContain("damaged");
        lines[0].ShouldContain("qemu fetch bookworm");
        lines[1].ShouldContain("not fetched");
        lines[2].ShouldStartWith("trixie ");
        lines[2].ShouldContain("QEMU 10.0.13");
        lines[2].ShouldContain("1:10.0.13+ds-1");
        lines[2].ShouldContain(At("builds/trixie"));
        lines[3].ShouldEndWith("(default)");
    }

    [Test]
    public async Task The_list_as_JSON_has_an_object_for_each_suite()
    {
        MakeBuild("trixie", "10.0.13");
        (await RunAsync("list", "--json")).ShouldBe(0);
        using var json = JsonDocument.Parse(_output.ToString());
        json.RootElement.GetArrayLength().ShouldBe(4);
        var trixie = json.RootElement.EnumerateArray().Single(item => item.GetProperty("suite").GetString() == "trixie");
        trixie.GetProperty("fetched").GetBoolean().ShouldBeTrue();
        trixie.GetProperty("version").GetString().ShouldBe("10.0.13");
        trixie.GetProperty("sizeBytes").GetInt64().ShouldBe(1_000_000);
        trixie.GetProperty("damage").ValueKind.ShouldBe(JsonValueKind.Null);
        json.RootElement[0].GetProperty("fetched").GetBoolean().ShouldBeFalse();
    }

    [Test]
    public async Task A_wrapper_is_a_script_for_a_build_that_is_fetched()
    {
        MakeBuild("trixie", "10.0.13");

        (await RunAsync("wrapper", "trixie", At("old-qemu"))).ShouldBe(0);

        _output.ToString().TrimEnd().ShouldBe(At("old-qemu"));
        File.ReadAllText(At("old-qemu")).ShouldContain(At("builds/trixie/root/usr/bin/qemu-system-x86_64"));
        File.GetUnixFileMode(At("old-qemu")).HasFlag(UnixFileMode.UserExecute).ShouldBeTrue();
    }

    [Test]
    public async Task A_wrapper_for_a_build_that_is_not_fetched_says_how_to_fetch_it() =>
        (await Should.ThrowAsync<UsageException>(() => RunAsync("wrapper", "bookworm", At("old-qemu")))).Message.ShouldContain("qemu fetch bookworm");

    [Test]
    public async Task A_fetch_in_a_pipe_says_each_stage_once_and_prints_the_result_alone()
    {
        Tools.WithApt();
        (await RunAsync("fetch", "trixie")).ShouldBe(0);
        _error.ToString().ShouldBe("""
            trixie: package lists
            trixie: download 2 packages, 0.0 MB
            trixie: unpack 2 packages
            trixie: run its QEMU

            """);
        _output.ToString().ShouldStartWith("trixie: QEMU 11.1.3 (1:11.1.3+ds-1), ");
        _output.ToString().Count(c => c == '\n').ShouldBe(1);
    }

    [Test]
    public async Task A_fetch_without_a_suite_fetches_the_default()
    {
        Tools.WithApt();
        (await RunAsync("fetch")).ShouldBe(0);
        InStore().ShouldBe(["trixie-backports"]);
    }

    [Test]
    public async Task A_failed_fetch_exits_1_and_says_why()
    {
        Tools.WithApt().Set("update.error", "E: no route\n");
        (await RunAsync("fetch", "trixie", "bookworm")).ShouldBe(1);
        _error.ToString().ShouldContain("E: no route");
        _output.ToString().ShouldBeEmpty();
        Tools.Calls.ShouldHaveSingleItem();
    }

    [Test]
    public async Task Removing_removes()
    {
        MakeBuild("trixie");
        MakeBuild("bookworm");
        (await RunAsync("remove", "trixie", "trixie-backports")).ShouldBe(0);
        _output.ToString().ShouldBe("trixie: removed\ntrixie-backports: was not there\n");
        (await RunAsync("remove", "--all")).ShouldBe(0);
        InStore().ShouldBeEmpty();
    }

    [TestCase("fetch", "trixi")]
    [TestCase("remove", "trixi")]
    public async Task An_unknown_suite_is_misuse_and_the_nearest_is_named(string command, string suite)
    {
        var message = (await Should.ThrowAsync<UsageException>(() => RunAsync(command, suite))).Message;
        message.ShouldContain("Did you mean trixie?");
        message.ShouldContain("There are: bookworm, bookworm-backports, trixie, trixie-backports.");
    }

    [TestCase("fetch", "trixie", "--all")]
    [TestCase("remove")]
    [TestCase("remove", "trixie", "--all")]
    public async Task What_contradicts_itself_is_misuse(params string[] args) => await Should.ThrowAsync<UsageException>(() => RunAsync(args));

    private async Task<int> RunAsync(params string[] args)
    {
        using var interruption = new Interruption();
        var context = new CommandContext
        {
            Out = new OutputTarget(_output, IsTerminal: false, Utf8: false),
            Error = new OutputTarget(_error, IsTerminal: false, Utf8: false),
            Suite = typeof(QemuStoreCommandsTests).Assembly,
            Host = new NoRun(),
            Cleanup = new NoRun(),
        };
        var command = QemuStoreCommands.Create(context, interruption, () => Store);
        return await command.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    /// <summary>The commands of the store run no tests.</summary>
    private sealed class NoRun : ISuiteHost, ISuiteCleanup
    {
        public Task<SuiteEnvironment> PrepareAsync(RunSettings settings, Action<string> note, CancellationToken cancellation) =>
            throw new InvalidOperationException("a run was prepared");

        public void KillEverything() => throw new InvalidOperationException("a run was ended");
    }
}
