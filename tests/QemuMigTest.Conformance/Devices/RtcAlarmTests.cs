using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The RTC rings when it was set to, wherever its guest is by then.</summary>
public sealed class RtcAlarmTests : MigrationFixture
{
    private const int RtcLine = 8;
    private const byte Seconds = 0;
    private const byte AlarmSeconds = 1;
    private const byte AlarmMinutes = 3;
    private const byte AlarmHours = 5;
    private const byte Control = 0x0b;
    private const byte Flags = 0x0c;
    private const byte AlarmInterrupt = 0x20;
    private const byte UpdateInterrupt = 0x10;
    private const byte Any = 0xc0;

    // So that it does not ring before the guest has left.
    private const int Later = 2;

    // Where the flags were read last the RTC looks for its next second, else for that of the alarm alone.
    [MigrationTest("/migration/devices/rtc-alarm", true), MigrationTest("/migration/devices/rtc-alarm/read", false)]
    [RequiresCapability("pause-before-switchover")]
    public async Task An_alarm_that_was_set_before_the_migration_rings_after_it(bool updated, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var qtest = pair.Source.Process.QTest!;
        var before = new[] { Control, AlarmSeconds, AlarmMinutes, AlarmHours }.Select(register => (register, Cmos.Read(qtest, register))).ToList();
        var control = (byte)(before[0].Item2 & ~UpdateInterrupt);
        // A second more, which is over when its clock has gone on.
        Cmos.Write(qtest, AlarmSeconds, InSeconds(Cmos.Read(qtest, Seconds), updated ? Later + 1 : Later));
        Cmos.Write(qtest, AlarmMinutes, Any);
        Cmos.Write(qtest, AlarmHours, Any);
        Cmos.Read(qtest, Flags);
        if (updated)
        {
            Pics.Forget(qtest);
            Cmos.Write(qtest, Control, (byte)(control | UpdateInterrupt));
            await RequestAsync(pair.Source, "the RTC's clock to go on", ct);
        }

        // Without that of the update the line is low again, and the flags still nobody has read.
        Cmos.Write(qtest, Control, (byte)(control | AlarmInterrupt));
        Pics.Forget(qtest);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        // By the PIC: who reads the RTC's flags sets its timer anew. The source's clock goes on as well, and both are compared.
        foreach (var side in new[] { pair.Destination, pair.Source })
        {
            await RequestAsync(side, $"the RTC's alarm, set before the migration for {Later} s later{(updated ? ", when its clock had gone on since its flags were read" : "")},", ct);
            (Cmos.Read(side.Process.QTest!, Flags) & AlarmInterrupt).ShouldBe(AlarmInterrupt, $"{side.Name}: the RTC's alarm flag (register C)");
            before.ForEach(register => Cmos.Write(side.Process.QTest!, register.register, register.Item2));
            Pics.Forget(side.Process.QTest!);
        }
    }

    private static Task RequestAsync(MigrationSide side, string what, CancellationToken ct) => Poll.UntilAsync(side.Name, $"{what} to ask for interrupt {RtcLine}",
        _ => Task.FromResult(Pics.IsRequested(side.Process.QTest!, RtcLine) ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Command, ct);

    // As two decimal digits.
    private static byte InSeconds(byte now, int seconds)
    {
        var then = ((now >> 4) * 10 + (now & 0xf) + seconds) % 60;
        return (byte)((then / 10 << 4) | (then % 10));
    }
}
