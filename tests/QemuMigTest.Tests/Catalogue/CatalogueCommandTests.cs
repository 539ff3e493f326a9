using NUnit.Framework;
using QemuMigTest.Results;
using QemuMigTest.Tests.Cli;
using Shouldly;

namespace QemuMigTest.Tests.Catalogue;

/// <summary>Not parallel: loading a suite sets NUnit's test parameters, which are the process's.</summary>
[NonParallelizable]
public sealed class CatalogueCommandTests
{
    private readonly CommandRun _command = new() { Suite = SampleSuite.Of(typeof(CataloguedTests)) };

    private string Page => Path.Combine(_command.Results, "page.md");

    [TearDown]
    public void DeleteFolder() => _command.Dispose();

    [Test]
    public async Task Every_path_of_upstream_and_of_ours_has_a_row()
    {
        Save("old", Record("7.2.22", "bookworm (--qemu)"));
        Save("new", Record("11.1.3", "store trixie-backports"));

        (await MakeAsync("new", "old")).ShouldBe(0, _command.Error);

        var page = File.ReadAllText(Page);
        page.ShouldContain("| 7.2 | bookworm | tcg | 3 | 0 | 0 | 0 | 0 |\n| 11.1 | trixie-backports | tcg | 3 | 0 | 0 | 0 | 0 |\n");
        page.ShouldContain("Of upstream's 103 paths the suite has 2; not there yet: 101. It has 1 of its own.");
        page.ShouldContain("| `/migration/bad_dest` | Nobody listens | 10.2 | passed | passed |\n");
        page.ShouldContain("| `/migration/precopy/unix/plain` | *not there yet* | 10.2 | – | – |\n");
        page[page.IndexOf("## Paths that upstream does not have", StringComparison.Ordinal)..]
            .ShouldContain("### /migration/own\n\n| path | what it proves | 7.2 | 11.1 |\n|---|---|---|---|\n| `/migration/own/idea` | Our own idea | passed | passed |\n");
    }

    [Test]
    public async Task What_is_refused_or_skipped_has_a_note_and_a_reason_is_told_once()
    {
        var skipped = Attempt(TestOutcome.Skipped) with { Wanted = "capability x", Found = "source and destination QEMU 7.2.22 (bookworm) without it", Why = "it does not list it" };
        Save("old", Record("7.2.22", "bookworm", skipped, skipped, Attempt(TestOutcome.Passed) with { Refused = "migrate to /tmp/a/file" }));

        (await MakeAsync("old")).ShouldBe(0, _command.Error);

        var page = File.ReadAllText(Page);
        page.ShouldContain("| Nobody listens | 10.2 | skipped (2) |");
        page.ShouldContain("| A stopped guest moves | 10.2 | skipped (2) |");
        page.ShouldContain("| Our own idea | refused (");
        page.ShouldContain("2. skipped: wants capability x; found QEMU 7.2 without it (it does not list it)\n");
        page.ShouldContain(". refused as it should be: migrate to …/file\n");
    }

    [Test]
    public async Task A_known_fault_is_no_refusal()
    {
        var faulty = Attempt(TestOutcome.Passed) with { Fault = "migrate with two blocks: it aborts" };
        Save("new", Record("11.1.3", "bookworm", faulty, faulty with { Refused = "migrate with three" }));

        (await MakeAsync("new")).ShouldBe(0, _command.Error);

        var page = File.ReadAllText(Page);
        page.ShouldContain("| 11.1 | bookworm | tcg | 1 | 0 | 2 | 0 | 0 |\n");
        page.ShouldContain("| known fault (");
        page.ShouldContain(". known fault (findings.md): migrate with two blocks: it aborts; refused as it should be: migrate with three\n");
        page.ShouldContain(". known fault (findings.md): migrate with two blocks: it aborts\n");
    }

    [Test]
    public async Task A_repeated_run_shows_the_worst_of_a_path()
    {
        var record = Record("10.0.2", "bookworm-backports");
        var failed = record.Tests[0] with { Attempts = [Attempt(TestOutcome.Passed), Attempt(TestOutcome.Failed) with { Reason = "source: it *hung*\nand more" }, Attempt(TestOutcome.Passed)] };
        Save("run", record with { Tests = [failed, .. record.Tests.Skip(1)] });

        (await MakeAsync("run")).ShouldBe(0, _command.Error);

        File.ReadAllText(Page).ShouldContain("| Nobody listens | 10.2 | failed (2) |");
        File.ReadAllText(Page).ShouldContain("2. failed: source: it \\*hung\\*\n");
    }

    [Test]
    public async Task Two_runs_of_the_same_make_the_same_page()
    {
        var record = Record("10.0.2", "bookworm-backports");
        Save("run", record);
        await MakeAsync("run");
        Save("run", record with { Started = record.Started.AddDays(3), DurationSeconds = 99, Source = Qemu("10.0.7", "bookworm-backports"), Destination = Qemu("10.0.7", "bookworm-backports") });

        (await MakeAsync("run", "--check")).ShouldBe(0, _command.Out);

        _command.OutLines[^1].ShouldEndWith(": up to date");
    }

    [Test]
    public async Task A_check_shows_the_lines_that_differ_and_changes_nothing()
    {
        Save("run", Record("10.0.2", "bookworm-backports"));
        await MakeAsync("run");
        var page = File.ReadAllText(Page).Replace("| Nobody listens | 10.2 | passed |", "| Nobody listens | 10.2 | skipped (1) |", StringComparison.Ordinal);
        File.WriteAllText(Page, page);

        (await MakeAsync("run", "--check")).ShouldBe(1);

        _command.OutLines.ShouldContain(line => line.StartsWith('-') && line.EndsWith("| skipped (1) |", StringComparison.Ordinal));
        _command.OutLines.ShouldContain(line => line.StartsWith('+') && line.EndsWith("| passed |", StringComparison.Ordinal));
        _command.Error.ShouldContain("is not what these runs make");
        File.ReadAllText(Page).ShouldBe(page);
    }

    [Test]
    public async Task A_check_of_a_page_that_is_not_there_says_so()
    {
        Save("run", Record("10.0.2", "bookworm-backports"));

        (await MakeAsync("run", "--check")).ShouldBe(2);

        _command.Error.ShouldContain("page.md");
    }

    private static IEnumerable<TestCaseData> WrongRecords()
    {
        var record = Record("10.0.2", "bookworm-backports");
        yield return Wrong(record with { Interrupted = true }, "is of a run that was interrupted or has not ended");
        yield return Wrong(record with { Tests = [record.Tests[0] with { Attempts = [] }, .. record.Tests.Skip(1)] }, "is of a run that was interrupted");
        yield return Wrong(record with { Settings = record.Settings with { Paths = ["/migration/own"] } }, "is of a part of the suite (-p /migration/own)");
        yield return Wrong(record with { Settings = record.Settings with { Skips = ["/migration/own"] } }, "is of a part of the suite (-s /migration/own)");
        yield return Wrong(record with { Tests = [.. record.Tests.Skip(1)] }, "is of an older suite: it lacks /migration/bad_dest");
        yield return Wrong(record with { Tests = [.. record.Tests, record.Tests[0] with { Path = "/migration/gone" }] }, "is of another suite: this one has no /migration/gone");
        yield return Wrong(record with { Destination = Qemu("11.1.3", "trixie-backports") }, "is of two builds: the source was QEMU 10.0.2, the destination 11.1.3");
        yield return Wrong(record with { Source = null }, "names no QEMU");
        yield return Wrong(record with { Problems = ["Tear-down failed."] }, "has failures that belong to no test: Tear-down failed.");

        static TestCaseData Wrong(RunRecord record, string wanted) => new TestCaseData(record, wanted).SetArgDisplayNames(wanted);
    }

    [TestCaseSource(nameof(WrongRecords))]
    public async Task A_record_that_is_not_of_the_whole_suite_on_one_build_is_refused(RunRecord record, string wanted)
    {
        Save("run", record);

        (await MakeAsync("run")).ShouldBe(3);

        _command.Error.ShouldContain(Path.Combine("run", "run.json"));
        _command.Error.ShouldContain(wanted);
        _command.Error.ShouldContain("Make it again: qemu-mig-test run --qemu BUILD --results ");
        File.Exists(Page).ShouldBeFalse();
    }

    [Test]
    public async Task A_folder_without_a_record_says_what_makes_one()
    {
        (await MakeAsync("nothing")).ShouldBe(3);

        _command.Error.ShouldContain("There is no record of a run at ");
    }

    [Test]
    public async Task Two_runs_of_one_version_have_no_columns_of_their_own()
    {
        Save("one", Record("10.0.2", "bookworm-backports"));
        Save("two", Record("10.0.13", "trixie"));

        (await MakeAsync("one", "two")).ShouldBe(3);

        _command.Error.ShouldContain("2 runs are of QEMU 10.0");
    }

    private Task<int> MakeAsync(params string[] foldersAndOptions) => _command.ExecuteAsync(
        ["catalogue", "--output", Page, .. foldersAndOptions.Select(word => word.StartsWith('-') ? word : Path.Combine(_command.Results, word))]);

    private void Save(string folder, RunRecord record) =>
        record.Save(Path.Combine(Directory.CreateDirectory(Path.Combine(_command.Results, folder)).FullName, RunRecord.FileName));

    private static AttemptRecord Attempt(TestOutcome outcome) => new() { Outcome = outcome, StartSeconds = 0, DurationSeconds = 1 };

    private static QemuRecord Qemu(string version, string name) => new() { Name = name, Version = version, Path = "/opt/qemu" };

    private static RunRecord Record(string version, string name, params AttemptRecord[] attempts)
    {
        AttemptRecord At(int index) => index < attempts.Length ? attempts[index] : Attempt(TestOutcome.Passed);
        return new()
        {
            Format = RunRecord.CurrentFormat,
            ToolVersion = "0.1.0",
            Started = new DateTimeOffset(2026, 11, 21, 10, 20, 30, TimeSpan.Zero),
            DurationSeconds = 1.5,
            CommandLine = ["qemu-mig-test", "run"],
            Interrupted = false,
            ExitCode = 0,
            Host = new HostRecord { Kernel = "6.1", Distribution = "Debian", CpuModel = "X", Cpus = 2, MemoryBytes = 1L << 34, KvmUsable = true },
            Source = Qemu(version, name),
            Destination = Qemu(version, name),
            Accelerator = "tcg",
            Settings = new SettingsRecord { Jobs = 2, TimeoutScale = 1, Repeat = 1 },
            Tests =
            [
                new() { Path = "/migration/bad_dest", Method = "F.Nobody_listens", Attempts = [At(0)] },
                new() { Path = "/migration/precopy/tcp/plain", Method = "F.A_stopped_guest_moves", Attempts = [At(1)] },
                new() { Path = "/migration/own/idea", Method = "F.Our_own_idea", Attempts = [At(2)] },
            ],
        };
    }

    public abstract class CataloguedTests
    {
        [QemuMigTest.NUnit.MigrationTest("/migration/bad_dest")]
        public void Nobody_listens()
        {
        }

        [QemuMigTest.NUnit.MigrationTest("/migration/precopy/tcp/plain")]
        public void A_stopped_guest_moves()
        {
        }

        [QemuMigTest.NUnit.MigrationTest("/migration/own/idea")]
        public void Our_own_idea()
        {
        }
    }
}
