using NUnit.Framework;
using QemuMigTest.Cli.Bench;
using QemuMigTest.Results;
using Shouldly;

namespace QemuMigTest.Tests.Bench;

public sealed class BenchmarkPageTests
{
    private static readonly Dictionary<string, string> NoReasons = [];

    [Test]
    public void The_medians_of_what_all_ran_are_compared()
    {
        var page = BenchmarkPage.Make(
            new BenchmarkResult
            {
                Started = Started,
                Upstream = [new Dictionary<string, double> { ["/m/a"] = 6, ["/m/b"] = 4, ["/m/upstream-only"] = 100 }],
                OneJob = [Run(3.2, ownCpu: 0.1, childCpu: 3.9, ("/m/a", 1.5), ("/m/b", 1)), Run(9, 0.1, 3.9, ("/m/a", 5), ("/m/b", 3)), Run(3.1, 0.1, 3.9, ("/m/a", 1.4), ("/m/b", 1), ("/m/ours-only", 7))],
                TwoJobs = [Run(2.3, ownCpu: 0.5, childCpu: 4.5, ("/m/a", 2), ("/m/b", 2))],
            },
            NoReasons);

        page.ShouldContain("the 2 paths that both run and pass");
        page.ShouldContain("| upstream | 1 | 10.0 | 1 | | | |\n");
        page.ShouldContain("| ours, one job | 3 | 3.2 (3.2, 9.0, 3.1) | 0.32 | at most 0.35 | 2.5 % of 4.0 s | under 5 % |\n");
        page.ShouldContain("| ours, two jobs | 1 | 2.3 | 0.23 | at most 0.22 – **missed** | 10.0 % of 5.0 s | under 5 % – **missed** |\n");
        page.ShouldContain("| `/m/a` | 6.00 | 1.50 | 0.25 |  |\n| `/m/b` | 4.00 | 1.00 | 0.25 |  |\n| **sum** | 10.00 | 2.50 | 0.25 | |\n");
        page.ShouldContain("- 2026-11-21; QEMU 11.1.3 (Debian 1:11.1.3+ds-1), TCG, pc-q35-11.1\n");
        page.ShouldContain("2 processors, 16 GiB");
    }

    [Test]
    public void A_slower_path_says_what_it_proves_more_or_that_nothing_explains_it()
    {
        var page = BenchmarkPage.Make(
            new BenchmarkResult
            {
                Started = Started,
                Upstream = [new Dictionary<string, double> { ["/m/a"] = 0.3, ["/m/b"] = 0.3 }],
                OneJob = [Run(2, 0, 1, ("/m/a", 0.6), ("/m/b", 0.6))],
                TwoJobs = [Run(2, 0, 1, ("/m/a", 0.6), ("/m/b", 0.6))],
            },
            new Dictionary<string, string> { ["/m/a"] = "that the guest lives" });

        page.ShouldContain("| `/m/a` | 0.30 | 0.60 | 2.00 | slower; proves also that the guest lives |\n");
        page.ShouldContain("| `/m/b` | 0.30 | 0.60 | 2.00 | slower; nothing explains it |\n");
    }

    [Test]
    public void What_upstream_does_not_get_through_is_told_with_its_last_words()
    {
        var page = BenchmarkPage.Make(
            new BenchmarkResult
            {
                Started = Started,
                Upstream = [new Dictionary<string, double> { ["/m/a"] = 1 }],
                OneJob = [Run(2, 0, 1, ("/m/a", 0.6))],
                TwoJobs = [Run(2, 0, 1, ("/m/a", 0.6))],
                Broken = new Dictionary<string, string> { ["/m/b"] = "ended by signal 11" },
            },
            NoReasons);

        page.ShouldContain("left out, on both sides:\n\n- `/m/b`: ended by signal 11\n");
    }

    [Test]
    public void A_path_that_was_skipped_or_refused_once_is_not_compared()
    {
        var skipped = Attempt(1) with { Outcome = TestOutcome.Skipped };
        var run = Run(1, 0, 1, ("/m/a", 1));
        var result = new BenchmarkResult
        {
            Started = Started,
            Upstream = [new Dictionary<string, double> { ["/m/a"] = 1, ["/m/b"] = 1, ["/m/c"] = 1 }],
            OneJob = [run],
            TwoJobs = [run with { Record = run.Record with { Tests = [.. run.Record.Tests, Test("/m/b", skipped), Test("/m/c", Attempt(1) with { Refused = "it" })] } }],
        };

        result.Paths.ShouldBe(["/m/a"]);
    }

    [TestCase(new[] { 3.0 }, 3)]
    [TestCase(new[] { 5.0, 1, 3 }, 3)]
    [TestCase(new[] { 4.0, 1 }, 2.5)]
    public void The_median_is_in_the_middle(double[] values, double wanted) => BenchmarkResult.Median(values).ShouldBe(wanted);

    [Test]
    public void Each_reason_is_for_a_path_of_upstreams() =>
        BenchmarkPage.ReadReasons().Keys.Except(QemuMigTest.Cli.Catalogue.UpstreamPaths.Read().Select(path => path.Path)).ShouldBeEmpty();

    private static readonly DateTimeOffset Started = new(2026, 11, 21, 10, 20, 30, TimeSpan.Zero);

    private static AttemptRecord Attempt(double seconds) => new() { Outcome = TestOutcome.Passed, StartSeconds = 0, DurationSeconds = seconds };

    private static TestRecord Test(string path, AttemptRecord attempt) => new() { Path = path, Method = "F.M", Attempts = [attempt] };

    private static TimedRun Run(double wall, double ownCpu, double childCpu, params (string Path, double Seconds)[] tests)
    {
        var qemu = new QemuRecord { Name = "trixie-backports", Version = "11.1.3", Package = "Debian 1:11.1.3+ds-1", Path = "/opt/qemu" };
        return new(wall, new RunRecord
        {
            Format = RunRecord.CurrentFormat,
            ToolVersion = "0.1.0",
            Started = Started,
            DurationSeconds = wall,
            OwnCpuSeconds = ownCpu,
            ChildCpuSeconds = childCpu,
            CommandLine = ["qemu-mig-test", "run"],
            Interrupted = false,
            Host = new HostRecord { Kernel = "6.1", Distribution = "Debian", CpuModel = "X", Cpus = 2, MemoryBytes = 1L << 34, KvmUsable = false },
            Source = qemu,
            Destination = qemu,
            MachineType = "pc-q35-11.1",
            Accelerator = "tcg",
            Settings = new SettingsRecord { Jobs = 1, TimeoutScale = 1, Repeat = 1 },
            Tests = [.. tests.Select(test => Test(test.Path, Attempt(test.Seconds)))],
        });
    }
}
