using System.Text;
using FsCheck;
using NUnit.Framework;
using QemuMigTest.Results;
using Shouldly;

namespace QemuMigTest.Tests.Results;

public sealed class RunRecordTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("qmt-results-").FullName;

    private string File => Path.Combine(_folder, RunRecord.FileName);

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [FsCheck.NUnit.Property]
    public void A_record_comes_back_as_it_was_written(
        NonNull<string> reason, NormalFloat seconds, NonNegativeInt outcome, NonNull<string> measure, NormalFloat value, bool interrupted, int? exitCode)
    {
        var record = Record() with
        {
            Interrupted = interrupted,
            ExitCode = exitCode,
            Tests =
            [
                new TestRecord
                {
                    Path = "/migration/a",
                    Method = "Fixture.Method",
                    Needs = ["a QEMU"],
                    Attempts =
                    [
                        new AttemptRecord
                        {
                            Outcome = (TestOutcome)(outcome.Get % 4),
                            StartSeconds = 0.1,
                            DurationSeconds = seconds.Get,
                            Reason = Whole(reason.Get),
                            Measures = new Dictionary<string, double> { [Whole(measure.Get)] = value.Get },
                        },
                    ],
                },
            ],
        };

        record.Save(File);
        var written = System.IO.File.ReadAllText(File);
        var loaded = RunRecord.Load(File);
        loaded.Save(File);

        System.IO.File.ReadAllText(File).ShouldBe(written);
        var attempt = loaded.Tests[0].Attempts[0];
        attempt.Reason.ShouldBe(Whole(reason.Get));
        attempt.Outcome.ShouldBe((TestOutcome)(outcome.Get % 4));
        attempt.DurationSeconds.ShouldBe(seconds.Get);
        attempt.Measures[Whole(measure.Get)].ShouldBe(value.Get);
        (loaded.Interrupted, loaded.ExitCode).ShouldBe((interrupted, exitCode));
    }

    [Test]
    public void The_file_is_for_people_too()
    {
        Record().Save(File);

        var text = System.IO.File.ReadAllText(File);
        text.ShouldContain("\"started\": \"2026-11-21T10:20:30+00:00\"");
        text.ShouldContain("a 'quoted' word");
        text.ShouldEndWith("}\n");
    }

    [Test]
    public void Text_that_is_none_is_written_as_well_as_it_can_be()
    {
        (Record() with { Problems = ["half a pair: \ud800, a control character: \u0001"] }).Save(File);

        RunRecord.Load(File).Problems.ShouldBe(["half a pair: \ufffd, a control character: \u0001"]);
    }

    [Test]
    public void A_save_that_fails_leaves_what_was_there()
    {
        Directory.CreateDirectory(Path.Combine(File, "in the way"));

        Should.Throw<Exception>(() => Record().Save(File)).ShouldBeAssignableTo<SystemException>();

        Directory.GetFileSystemEntries(_folder).ShouldBe([File]);
    }

    [Test]
    public void A_record_that_is_not_there_says_what_writes_one() =>
        LoadError().ShouldContain("qemu-mig-test run --results");

    [TestCase("", "is empty")]
    [TestCase("[]", "is no record of a run")]
    [TestCase("null", "is no record of a run")]
    [TestCase("{\"format\": \"1\"}", "is no record of a run")]
    [TestCase("{\"format\": 1", "is damaged, line 1")]
    [TestCase("{\"format\": 1,\n\"toolVersion\": 3}", "is damaged, line 2")]
    [TestCase("{\"format\": 1}", "toolVersion")]
    [TestCase("{\"format\": 99}", "has format 99, and this version reads format 1")]
    public void A_damaged_record_says_what_is_wrong(string text, string wanted)
    {
        System.IO.File.WriteAllText(File, text);

        LoadError().ShouldContain(wanted);
    }

    [Test]
    public void A_record_cut_anywhere_is_damaged_and_never_read_as_whole()
    {
        Record().Save(File);
        var bytes = System.IO.File.ReadAllBytes(File);
        for (var length = 0; length < bytes.Length - 2; length += 7)
        {
            System.IO.File.WriteAllBytes(File, bytes[..length]);
            LoadError().ShouldContain(File);
        }
    }

    [Test]
    public void The_host_of_this_machine_can_be_read()
    {
        var host = HostRecord.OfThisMachine();

        host.Kernel.ShouldNotBe("unknown");
        host.Cpus.ShouldBePositive();
        host.MemoryBytes.ShouldBeGreaterThan(1 << 20);
    }

    private string LoadError() => Should.Throw<RunRecordException>(() => RunRecord.Load(File)).Message;

    // Half a surrogate pair is no text, and no file can hold it.
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static RunRecord Record() => new()
    {
        Format = RunRecord.CurrentFormat,
        ToolVersion = "0.1.0",
        Started = new DateTimeOffset(2026, 11, 21, 10, 20, 30, TimeSpan.Zero),
        DurationSeconds = 1.5,
        CommandLine = ["qemu-mig-test", "run"],
        Interrupted = false,
        ExitCode = 0,
        Host = new HostRecord { Kernel = "6.1", Distribution = "Debian", CpuModel = "X", Cpus = 2, MemoryBytes = 1L << 34, KvmUsable = true },
        Settings = new SettingsRecord { Jobs = 2, TimeoutScale = 1, Repeat = 1 },
        Tests = [new TestRecord { Path = "/migration/a", Method = "F.M", Attempts = [] }],
        Problems = ["a 'quoted' word"],
    };
}
