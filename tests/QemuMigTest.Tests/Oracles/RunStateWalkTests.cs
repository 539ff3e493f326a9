using System.Text.Json;
using NUnit.Framework;
using QemuMigTest.Migration;
using QemuMigTest.Oracles;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;
using Shouldly;

namespace QemuMigTest.Tests.Oracles;

public sealed class RunStateWalkTests
{
    [TestCase("setup active STOP device completed", MigrationOutcome.Completed)]
    [TestCase("setup active STOP pre-switchover device completed", MigrationOutcome.Completed)]
    [TestCase("setup active postcopy-active STOP completed", MigrationOutcome.Completed)]
    [TestCase("setup active STOP pre-switchover cancelling RESUME cancelled", MigrationOutcome.Cancelled)]
    [TestCase("setup active STOP device failed RESUME", MigrationOutcome.Failed)]
    [TestCase("setup active STOP device failing RESUME failed", MigrationOutcome.Failed)]
    [TestCase("setup active cancelling cancelled", MigrationOutcome.Cancelled)]
    public void A_source_may_stop_and_go_on_like_this(string events, MigrationOutcome outcome) => Said(Source(events, outcome)).ShouldBeEmpty();

    [TestCase("setup STOP active device completed", MigrationOutcome.Completed, "STOP belongs behind active")]
    [TestCase("setup active cancelling cancelled STOP RESUME", MigrationOutcome.Cancelled, "STOP belongs between setup and")]
    [TestCase("STOP setup active device completed", MigrationOutcome.Completed, "STOP belongs between setup and")]
    [TestCase("setup active device STOP completed", MigrationOutcome.Completed, "STOP belongs between setup and")]
    [TestCase("setup active STOP STOP device completed", MigrationOutcome.Completed, "and had not run")]
    [TestCase("setup active STOP device completed RESUME", MigrationOutcome.Completed, "neither cont nor a migration was the cause")]
    [TestCase("setup active STOP pre-switchover cancelling cancelled", MigrationOutcome.Cancelled, "it must run again, and no RESUME came")]
    [TestCase("setup active STOP pre-switchover cancelling cancelled RESUME", MigrationOutcome.Cancelled, "said cancelled at 00:00:00.005000, before the guest that it had stopped ran here again")]
    [TestCase("setup active STOP device failing failed RESUME", MigrationOutcome.Failed, "said failed at 00:00:00.005000, before the guest that it had stopped ran here again")]
    [TestCase("setup active RESUME cancelling cancelled", MigrationOutcome.Cancelled, "and ran already")]
    public void A_source_may_not_stop_and_go_on_otherwise(string events, MigrationOutcome outcome, string finding) =>
        Said(Source(events, outcome)).ShouldContain(text => text.Contains(finding, StringComparison.Ordinal));

    [TestCase("setup active RESUME completed", true)]
    [TestCase("setup active postcopy-active completed RESUME", true)]
    [TestCase("setup active completed", false)]
    public void A_destination_runs_when_its_source_ran(string events, bool switched) => Said(Destination(events, switched)).ShouldBeEmpty();

    [TestCase("setup active completed", true, "it must run here, and no RESUME came")]
    [TestCase("setup active RESUME completed", false, "neither cont nor a migration was the cause")]
    [TestCase("setup active completed RESUME", true, "before the guest ran here")]
    [TestCase("setup RESUME active completed", true, "before status active")]
    [TestCase("setup active RESUME completed STOP", true, "neither stop nor a migration away from it was the cause")]
    [TestCase("setup active RESUME completed STOP RESUME", true, "RESUME came once more")]
    public void A_destination_may_not_run_otherwise(string events, bool switched, string finding) =>
        Said(Destination(events, switched)).ShouldContain(text => text.Contains(finding, StringComparison.Ordinal));

    [Test]
    public void What_was_commanded_needs_no_other_cause()
    {
        var events = Events("STOP setup active device completed RESUME");
        Said(new SideHistory(events, [new ExecutedCommand("stop", 0, 1), new ExecutedCommand("cont", 5, 6)], true, [Span(true, MigrationOutcome.Completed, false)])).ShouldBeEmpty();
    }

    [Test]
    public void What_a_device_was_made_to_cause_needs_no_other_cause_and_nothing_else_is_meant()
    {
        var events = Events("WATCHDOG STOP setup active device completed");
        var side = new SideHistory(events, [new ExecutedCommand(ExecutedCommand.ByDevice("WATCHDOG"), 0, 2), new ExecutedCommand(ExecutedCommand.ByDevice("STOP"), 0, 2)], true, [Span(true, MigrationOutcome.Completed, false)]);
        Said(side).ShouldBeEmpty();
        Complaint("WATCHDOG", 0, side).ShouldBeNull();
        Complaint("WATCHDOG", 2, side).ShouldNotBeNull();
        Complaint("BLOCK_IO_ERROR", 0, side).ShouldNotBeNull();
    }

    [Test]
    public void What_was_asked_for_once_comes_once()
    {
        var side = new SideHistory(Events("RESET setup active device completed RESET"), [new ExecutedCommand("system_reset", 0, 0)], true, [Span(true, MigrationOutcome.Completed, false)]);
        Complaint("RESET", 0, side).ShouldBeNull();
        Complaint("RESET", 5, side).ShouldBe("event RESET came 2 times, and nobody had asked for it more than 1 times by system_reset or system_wakeup");
    }

    [Test]
    public void A_guest_that_was_reset_may_reset_itself_and_no_other_may()
    {
        List<QmpEvent> events = [OfGuest(0), Event("RESET", """{"guest": false}""", 1), OfGuest(2), OfGuest(3), Event("RESET", """{"guest": false}""", 4)];
        var side = new SideHistory(events, [new ExecutedCommand("system_reset", 1, 1)], true, []);
        events.Select(e => EventRules.Complaint(e, side, new PairOptions()) is null).ShouldBe([false, true, true, true, false]);

        static QmpEvent OfGuest(int position) => Event("RESET", """{"guest": true}""", position);
    }

    [TestCase("setup STOP active completed", true, null)]
    [TestCase("setup active STOP completed", false, null)]
    [TestCase("setup active STOP completed", true, "migration 1 stopped it at 00:00:00.002000, after active: in the modes of CPR STOP belongs before active")]
    public void With_CPR_the_guest_is_stopped_before_anything_is_sent(string events, bool cpr, string? finding)
    {
        var span = Span(true, MigrationOutcome.Completed, false) with { StopsFirst = cpr };
        Said(new SideHistory(Events(events), [], true, [span])).ShouldBe(finding is null ? [] : [finding]);
    }

    [TestCase("setup active MIGRATION_PASS:2 MIGRATION_PASS:3 completed", 3, null)]
    [TestCase("setup MIGRATION_PASS:1 active MIGRATION_PASS:2 completed", 2, null)]
    [TestCase("setup active MIGRATION_PASS:2 MIGRATION_PASS:4 completed", 4, "MIGRATION_PASS 4 came after 2")]
    [TestCase("setup active MIGRATION_PASS:2 completed", 3, "dirty-sync-count is 3, and the last MIGRATION_PASS was 2")]
    [TestCase("setup active MIGRATION_PASS:3 completed", 3, "the first MIGRATION_PASS of migration 1 is 3; 1, or 2, was expected")]
    [TestCase("setup active MIGRATION_PASS:2 completed MIGRATION_PASS:3", 3, "MIGRATION_PASS 3 came after migration 1 had completed")]
    public void Passes_count_up_as_far_as_dirty_sync_count_says(string events, int count, string? finding)
    {
        var info = new MigrationInfo(JsonElement.Parse("{\"ram\": {\"dirty-sync-count\": " + count + "}}"));
        var wrong = PassOrder.Check(Events(events), Span(true, MigrationOutcome.Completed, false), info);
        wrong.ShouldBe(finding is null ? [] : [finding]);
    }

    [TestCase("GUEST_PANICKED", "event GUEST_PANICKED came, which must not come in a migration")]
    [TestCase("RESET", "event RESET came, and nobody had asked for it by system_reset or system_wakeup")]
    [TestCase("SUSPEND", "event SUSPEND came, and nothing in this pair causes it")]
    [TestCase("MIGRATION_SIDEWAYS", "event MIGRATION_SIDEWAYS is not known: say in EventRules when it may come")]
    [TestCase("STOP", null)]
    [TestCase("RTC_CHANGE", null)]
    public void Each_event_is_known(string name, string? complaint) =>
        Complaint(name, 0, new SideHistory([], [], true, [])).ShouldBe(complaint);

    private static string? Complaint(string name, int position, SideHistory side) => EventRules.Complaint(Event(name, "{}", position), side, new PairOptions());

    private static IEnumerable<string> Said(SideHistory side) => RunStateWalk.Of(side) is var walk ? walk.Wrong.Concat(walk.Missing) : [];

    private static SideHistory Source(string events, MigrationOutcome outcome) => new(Events(events), [], true, [Span(true, outcome, false)]);

    private static SideHistory Destination(string events, bool switched) => new(Events(events), [], false, [Span(false, MigrationOutcome.Completed, switched)]);

    private static MigrationSpan Span(bool isSource, MigrationOutcome outcome, bool switched) => new(1, 0, isSource, outcome, false, switched);

    private static List<QmpEvent> Events(string names) => [.. names.Split(' ').Select((word, position) => word.Split(':') switch
    {
        [var name, var pass] => Event(name, $$"""{"pass": {{pass}}}""", position),
        [var name] when char.IsAsciiLetterUpper(name[0]) => Event(name, "{}", position),
        [var status] => Event("MIGRATION", $$"""{"status": "{{status}}"}""", position),
        _ => throw new ArgumentException(word),
    })];

    private static QmpEvent Event(string name, string data, int position) => new(name, JsonElement.Parse(data), DateTimeOffset.UnixEpoch.AddMilliseconds(position), TimeSpan.Zero, position);
}
