using QemuMigTest.Conformance.Devices;
using QemuMigTest.Hosts;

namespace QemuMigTest.Conformance.State;

/// <summary>The guest's clocks against ours.</summary>
public sealed class TimeTests : StateFixture
{
    private const ulong HpetCounter = 0xfed0_00f0;
    private const ulong HpetTicksInOneOfOurs = 10;
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);

    /// <summary>QEMU stops its clock before it tells of STOP and starts it after it told of RESUME: on a busy machine its threads may be kept waiting between.</summary>
    private static readonly TimeSpan EventSlack = TimeSpan.FromMilliseconds(150);

    private static readonly TimeSpan CalendarSlack = TimeSpan.FromSeconds(1.5);

    [MigrationTest("/migration/state/time/running", true), MigrationTest("/migration/state/time/stopped", false)]
    public async Task Time_goes_on_where_it_was_and_the_calendar_with_ours(bool running, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [], ct);
        if (!running)
        {
            await pair.StopSourceAsync(ct);
        }

        var first = await ReadAsync(pair.Source, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        var second = await ReadAsync(pair.Destination, ct);

        // QEMU's own clock stands still while it does not run; what it tells of that are two events with times of the machine's clock.
        var paused = Time(pair.Destination, "RESUME") - (running ? Time(pair.Source, "STOP") : first.Wall);
        var fewest = second.Before - first.After - paused - (EventSlack * ProcessorLoad.Read());
        var most = second.After - first.Before - paused + Slack;
        (second.Hpet - first.Hpet).ShouldBeInRange(fewest, most, $"the HPET, while {second.After - first.Before} went by, of which the guest did not run for {paused}");
        (second.Calendar - first.Calendar).ShouldBeInRange(second.Before - first.After - CalendarSlack, second.After - first.Before + CalendarSlack, "the RTC goes on while the guest does not");
    }

    private static async Task<Reading> ReadAsync(MigrationSide side, CancellationToken ct)
    {
        var clock = TimeProvider.System;
        var before = clock.GetTimestamp();
        var hpet = side.Process.QTest!.ReadUInt64(HpetCounter);
        var wall = clock.GetUtcNow();
        var calendar = await side.ExecuteAsync("qom-get", new() { ["path"] = "/machine", ["property"] = "rtc-time" }, ct);
        var after = clock.GetTimestamp();
        return new(clock.GetElapsedTime(0, before), clock.GetElapsedTime(0, after), wall, TimeSpan.FromTicks((long)(hpet / HpetTicksInOneOfOurs)), RtcTime.Of(calendar));
    }

    private static DateTimeOffset Time(MigrationSide side, string name) => side.Process.Qmp.Events.Snapshot().Last(e => e.Name == name).Timestamp;

    private sealed record Reading(TimeSpan Before, TimeSpan After, DateTimeOffset Wall, TimeSpan Hpet, DateTimeOffset Calendar);
}
