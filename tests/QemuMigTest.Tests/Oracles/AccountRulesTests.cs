using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Migration;
using QemuMigTest.Oracles;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class AccountRulesTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    // As 11.1.3 and 7.2.22 said them.
    private const string Precopy = """
        {"status": "completed", "setup-time": 20, "downtime": 874, "total-time": 1017, "ram": {"total": 157818880, "postcopy-requests": 0, "dirty-sync-count": 2, "multifd-bytes": 0,
         "pages-per-second": 100015, "downtime-bytes": 104480400, "page-size": 4096, "remaining": 0, "postcopy-bytes": 0, "mbps": 1253.2431374122368, "transferred": 156185426,
         "dirty-sync-missed-zero-copy": 0, "precopy-bytes": 51626246, "duplicate": 13067, "dirty-pages-rate": 0, "normal-bytes": 155684864, "normal": 38009}}
        """;

    [Test]
    public void What_a_QEMU_said_of_a_good_migration_is_accepted() => AccountRules.Check(Account(Precopy)).ShouldBeEmpty();

    [TestCase("\"remaining\": 0", "\"remaining\": 4096", "remaining is 4096")]
    [TestCase("\"normal-bytes\": 155684864", "\"normal-bytes\": 155684865", "normal-bytes is 155684865")]
    [TestCase("\"total\": 157818880", "\"total\": 57818880", "less than the guest's RAM")]
    [TestCase("\"duplicate\": 13067", "\"duplicate\": 100", "each page must be sent once at least")]
    [TestCase("\"duplicate\": 13067", "\"duplicate\": 0", "zero pages are looked for")]
    [TestCase("\"duplicate\": 13067", "\"duplicate\": 15000", "the 53009 pages that are counted, with their addresses, make 156108936 at least")]
    [TestCase("\"duplicate\": 13067", "\"duplicate\": 90000", "more than all 38530 in each of 2 passes")]
    [TestCase("\"transferred\": 156185426", "\"transferred\": 256185426", "what is between, device state, must be 0 to 1048576 bytes")]
    [TestCase("\"transferred\": 156185426", "\"transferred\": 56185426", "less than the 155684864 bytes of pages in it")]
    [TestCase("\"multifd-bytes\": 0", "\"multifd-bytes\": 4096", "capability multifd is off, and there was multifd-bytes")]
    [TestCase("\"postcopy-requests\": 0", "\"postcopy-requests\": 3", "there was no postcopy; postcopy-requests is 3")]
    [TestCase("\"total-time\": 1017", "\"total-time\": 2017", "total-time is 2017 ms; by its events from setup to completed it took 1017 ms")]
    [TestCase("\"downtime\": 874", "\"downtime\": 74", "downtime is 74 ms; by its events from STOP to completed it was 858 ms")]
    [TestCase("\"downtime\": 874", "\"downtime\": 5000", "less than setup-time 20 or downtime 5000")]
    [TestCase("\"setup-time\": 20", "\"setup-time\": 500", "setup-time is 500 ms; by its events it was active after 23 ms")]
    [TestCase("\"pages-per-second\": 100015", "\"pages-per-second\": 600000", "pages-per-second is 600000; 51076 pages were sent in all")]
    [TestCase("\"mbps\": 1253.2431374122368", "\"mbps\": 125.32", "mbps is 125.3")]
    [TestCase("\"status\": \"completed\"", "\"status\": \"completed\", \"cpu-throttle-percentage\": 20", "cpu-throttle-percentage is 20 after completion")]
    public void A_number_that_cannot_be_is_named(string said, string instead, string finding) =>
        AccountRules.Check(Account(Precopy.Replace(said, instead, StringComparison.Ordinal))).ShouldContain(text => text.Contains(finding, StringComparison.Ordinal));

    // A source that stops its guest at once (cpr-reboot) said 9 ms of 8.
    [Test]
    public void A_downtime_may_end_later_than_the_migration_for_the_clock_is_read_twice() =>
        AccountRules.Check(Account(Precopy.Replace("\"downtime\": 874", "\"downtime\": 1018", StringComparison.Ordinal))).ShouldNotContain(text => text.Contains("less than setup-time", StringComparison.Ordinal));

    // 421 pages were not sent.
    [TestCase(421 * 4096, false)]
    [TestCase(420 * 4096, true)]
    public void Pages_that_the_guest_has_not_plugged_or_calls_free_need_not_be_sent(int unsent, bool wrong) =>
        AccountRules.Check(Account(Precopy.Replace("\"duplicate\": 13067", "\"duplicate\": 100", StringComparison.Ordinal)) with { UnsentBytes = unsent })
            .Any(text => text.Contains("must be sent once at least", StringComparison.Ordinal)).ShouldBe(wrong);

    [TestCase("multifd", "capability multifd is on, and there was no multifd-bytes")]
    [TestCase("xbzrle", "capability xbzrle is on, and there was no xbzrle-cache")]
    [TestCase("pause-before-switchover", "capability pause-before-switchover is on, and there was no status pre-switchover")]
    public void A_capability_without_effect_is_named(string capability, string finding) =>
        AccountRules.Check(Account(Precopy) with { Capabilities = new HashSet<string> { capability } }).ShouldContain(finding);

    [Test]
    public void The_downtime_of_a_postcopy_may_be_all_of_it_where_the_guest_was_away_for_less_than_can_be_told()
    {
        var account = Account(Precopy) with { Statuses = [(MigrationStatus.Setup, At(0)), (MigrationStatus.Active, At(23)), (MigrationStatus.PostcopyActive, At(159)), (MigrationStatus.Completed, At(1017))] };

        string[] Downtimes(int resumed) => [.. AccountRules.Check(account with { Resumed = At(resumed) }).Where(text => text.StartsWith("downtime", StringComparison.Ordinal))];

        Downtimes(resumed: 163).ShouldBeEmpty();
        Downtimes(resumed: 400).ShouldHaveSingleItem().ShouldContain("downtime is 874 ms; by the events of both sides the guest ran again after 241 ms");
    }

    [TestCase(7, 10_901_017, false)]
    [TestCase(7, 10_905_000, true)]
    [TestCase(11, 10_901_017, true)]
    public void Before_8_2_the_downtime_of_a_postcopy_may_be_the_uptime_of_the_host(int major, int downtime, bool wrong)
    {
        var account = Account(Precopy.Replace("\"downtime\": 874", $"\"downtime\": {downtime}", StringComparison.Ordinal)) with
        {
            Version = new QemuVersion(major, 2, 22, ""),
            ClockZero = At(-10_900_000),
            Resumed = At(163),
            Statuses = [(MigrationStatus.Setup, At(0)), (MigrationStatus.Active, At(23)), (MigrationStatus.PostcopyActive, At(159)), (MigrationStatus.Completed, At(1017))],
        };
        AccountRules.Check(account).Any(text => text.Contains("downtime", StringComparison.Ordinal) && !text.StartsWith("transferred", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase(158, 874, true)]
    [TestCase(10, 1000, true)]
    [TestCase(157, 74, false)]
    [TestCase(158, 1200, false, TestName = "Longer than since the last pass began")]
    [TestCase(10, 500, false, TestName = "Shorter than since STOP")]
    public void The_downtime_may_begin_before_STOP_where_the_vCPU_stopped_late(int lastPass, int downtime, bool right)
    {
        var account = Account(Precopy.Replace("\"downtime\": 874", $"\"downtime\": {downtime}", StringComparison.Ordinal).Replace("\"total-time\": 1017", "\"total-time\": 1300", StringComparison.Ordinal));
        AccountRules.Check(account with { EarliestStop = At(lastPass) }).Any(text => text.StartsWith("downtime", StringComparison.Ordinal)).ShouldBe(!right);
    }

    [TestCase(false, true)]
    [TestCase(true, false)]
    public void The_numbers_of_xbzrle_are_of_all_migrations_of_a_source(bool later, bool wrong)
    {
        var account = Account(Precopy.Replace("\"setup-time\"", "\"xbzrle-cache\": {\"pages\": 500, \"bytes\": 600000}, \"setup-time\"", StringComparison.Ordinal)) with { IsLater = later };
        AccountRules.Check(account).Any(text => text.Contains("bytes of pages in it", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase("return-path", 1018, true)]
    [TestCase("return-path", 1016, false)]
    [TestCase("multifd", 1018, false)]
    public void By_a_return_path_the_source_completes_after_the_destination(string capability, int arrived, bool wrong)
    {
        var account = Account(Precopy) with { Capabilities = new HashSet<string> { capability }, Arrived = At(arrived) };
        AccountRules.Check(account).Any(text => text.Contains("before the destination did", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase(67108864, false)]
    [TestCase(16777216, true)]
    public void The_cache_of_xbzrle_is_as_large_as_it_was_set_to(int cache, bool wrong)
    {
        var account = Account(Precopy.Replace("\"setup-time\"", $"\"xbzrle-cache\": {{\"cache-size\": {cache}}}, \"setup-time\"", StringComparison.Ordinal))
            with
        { Parameters = JsonElement.Parse("""{"xbzrle-cache-size": 67108864}""") };
        AccountRules.Check(account).Any(text => text.Contains("cache-size", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [Test]
    public void A_file_of_another_length_than_transferred_is_named() =>
        AccountRules.Check(Account(Precopy) with { FileBytes = 1000 }).ShouldContain("transferred is 156185426, and the file holds 1000 bytes");

    [Test]
    public void Before_8_0_the_parts_make_all_that_was_transferred() =>
        AccountRules.Check(Account(Precopy) with { Version = new QemuVersion(7, 2, 22, "") }).ShouldContain(text => text.Contains("must be 0 to 0 bytes", StringComparison.Ordinal));

    [TestCase(7, true, false)]
    [TestCase(7, false, true)]
    [TestCase(11, true, true)]
    public void Before_8_0_mbps_counts_from_the_last_recovery_on(int major, bool recovered, bool wrong)
    {
        var account = Account(Precopy.Replace("\"mbps\": 1253.2431374122368", "\"mbps\": 125.32", StringComparison.Ordinal)) with { Version = new QemuVersion(major, 0, 0, "") };
        account = account with { Statuses = [.. account.Statuses, (recovered ? MigrationStatus.PostcopyPaused : MigrationStatus.Active, At(160))] };
        AccountRules.Check(account).Any(text => text.StartsWith("mbps", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase(7, "postcopy-preempt", false)]
    [TestCase(7, "postcopy-ram", true)]
    [TestCase(11, "postcopy-preempt", true)]
    public void Before_8_0_mbps_does_not_count_what_goes_over_preempts_channel(int major, string capability, bool wrong)
    {
        var account = Account(Precopy.Replace("\"mbps\": 1253.2431374122368", "\"mbps\": 125.32", StringComparison.Ordinal)) with { Version = new QemuVersion(major, 0, 0, ""), Capabilities = new HashSet<string> { capability } };
        account = account with { Statuses = [.. account.Statuses, (MigrationStatus.PostcopyActive, At(160))] };
        AccountRules.Check(account).Any(text => text.StartsWith("mbps", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase(1, true)]
    [TestCase(4, false)]
    public void Where_threads_wait_for_their_turn_times_may_differ_by_more(int load, bool wrong)
    {
        var account = Account(Precopy.Replace("\"total-time\": 1017", "\"total-time\": 1500", StringComparison.Ordinal)) with { ClockSlack = load * AccountRules.ClockSlack };
        AccountRules.Check(account).Any(text => text.StartsWith("total-time", StringComparison.Ordinal)).ShouldBe(wrong);
    }

    [TestCase(true, true)]
    [TestCase(false, false)]
    public void What_is_sent_of_a_stopped_guest_counts_as_downtime(bool stoodStill, bool wrong) =>
        AccountRules.Check(Account(Precopy) with { StoodStill = stoodStill }).Any(text => text.StartsWith("precopy-bytes is", StringComparison.Ordinal)).ShouldBe(wrong);

    private static MigrationAccount Account(string info) => new()
    {
        Info = JsonElement.Parse(info),
        Version = new QemuVersion(11, 1, 3, ""),
        Capabilities = new HashSet<string>(),
        Parameters = JsonElement.Parse("{}"),
        Statuses = [(MigrationStatus.Setup, At(0)), (MigrationStatus.Active, At(23)), (MigrationStatus.Device, At(159)), (MigrationStatus.Completed, At(1017))],
        Stopped = At(159),
        Resumed = At(1018),
        GuestRam = MigrationPair.GuestMemoryBytes,
    };

    private static DateTimeOffset At(int milliseconds) => Start.AddMilliseconds(milliseconds);
}
