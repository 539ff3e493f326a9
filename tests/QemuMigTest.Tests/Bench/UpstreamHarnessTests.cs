using NUnit.Framework;
using QemuMigTest.Cli.Bench;
using Shouldly;

namespace QemuMigTest.Tests.Bench;

public sealed class UpstreamHarnessTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("harness").FullName;
    private readonly List<string> _said = [];

    [TearDown]
    public void Delete()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public async Task A_path_that_ends_the_whole_harness_is_found_and_left_out()
    {
        // Like the real one: what comes after the crash is not run.
        var harness = Harness(
            """
            n=0
            while [ $# -gt 0 ]; do
                if [ "$1" = -p ]; then
                    shift; n=$((n + 1))
                    [ "$1" = /x86_64/m/b ] && exit 139
                    [ "$1" = /x86_64/m/c ] && { echo "   0.10 s  Bail out! ERROR"; exit 0; }
                    echo "   1.00 s  ok $n $1"
                fi
                shift
            done
            """, "/m/a", "/m/b", "/m/c", "/m/d");

        var seconds = await harness.MeasureAsync(["/m/a", "/m/b", "/m/c", "/m/d"], CancellationToken.None);

        seconds.Keys.ShouldBe(["/m/a", "/m/d"]);
        harness.Broken.ShouldBe(new Dictionary<string, string> { ["/m/b"] = "ended by signal 11", ["/m/c"] = "Bail out! ERROR" });
        (await harness.MeasureAsync(["/m/a", "/m/b", "/m/c", "/m/d"], CancellationToken.None)).Keys.ShouldBe(["/m/a", "/m/d"]);
    }

    [Test]
    public async Task A_harness_that_crashes_after_paths_that_passed_is_started_again_with_the_rest()
    {
        // Two paths a run, then it crashes, also after the last.
        var harness = Harness(
            """
            n=0
            while [ $# -gt 0 ]; do
                [ "$1" = -p ] && { shift; n=$((n + 1)); echo "   1.00 s  ok $n $1"; [ $n = 2 ] && exit 139; }
                shift
            done
            """, "/m/a", "/m/b", "/m/c", "/m/d");

        var seconds = await harness.MeasureAsync(["/m/a", "/m/b", "/m/c", "/m/d"], CancellationToken.None);

        seconds.Keys.ShouldBe(["/m/a", "/m/b", "/m/c", "/m/d"]);
        harness.Broken.ShouldBeEmpty();
        harness.Restarts.ShouldBe(1);
    }

    [Test]
    public async Task What_is_below_a_path_is_not_run_along_with_it()
    {
        var harness = Harness("""echo "$@" >> "${0%/*}/arguments" """, "/m/a", "/m/a/b", "/m/c");

        await harness.MeasureAsync(["/m/a"], CancellationToken.None);

        File.ReadAllText(Path.Combine(_folder, "arguments")).ShouldEndWith("--full -m slow -p /x86_64/m/a -s /x86_64/m/a/b\n");
    }

    [Test]
    public async Task A_script_that_fails_by_itself_is_shown_with_what_it_wrote()
    {
        var harness = Harness("echo no compiler >&2; exit 1", "/m/a");

        var e = await Should.ThrowAsync<BenchmarkException>(() => harness.MeasureAsync(["/m/a"], CancellationToken.None));
        e.Message.ShouldContain("exit code 1:\nno compiler");
    }

    private UpstreamHarness Harness(string script, params string[] suite)
    {
        var file = Path.Combine(_folder, "upstream.sh");
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new UpstreamHarness(new BenchmarkPlan
        {
            Upstream = file,
            Qemu = "",
            Wrapper = "/wrapper",
            SuitePaths = suite,
            SelectedPaths = suite,
            Repeat = 1,
            UpstreamRepeat = 1,
            Scratch = _folder,
        }, _said.Add);
    }
}
