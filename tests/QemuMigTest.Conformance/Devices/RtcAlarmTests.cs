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
    private const byte Any = 0xc0;

    // So that it does not ring before the guest has left.
    private const int Later = 2;

    [MigrationTest("/migration/devices/rtc-alarm"), RequiresCapability("pause-before-switchover")]
    public async Task An_alarm_that_was_set_before_the_migration_rings_after_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var qtest = pair.Source.Process.QTest!;
        var before = new[] { Control, AlarmSeconds, AlarmMinutes, AlarmHours }.Select(register => (register, Cmos.Read(qtest, register))).ToList();
        Cmos.Write(qtest, AlarmSeconds, InSeconds(Cmos.Read(qtest, Seconds), Later));
        Cmos.Write(qtest, AlarmMinutes, Any);
        Cmos.Write(qtest, AlarmHours, Any);
        Cmos.Read(qtest, Flags);
        Cmos.Write(qtest, Control, (byte)(Cmos.Read(qtest, Control) | AlarmInterrupt));
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        // By the PIC: who reads the RTC's flags sets its timer anew. The source's clock goes on as well, and both are compared.
        foreach (var side in new[] { pair.Destination, pair.Source })
        {
            await RingAsync(side, ct);
            (Cmos.Read(side.Process.QTest!, Flags) & AlarmInterrupt).ShouldBe(AlarmInterrupt, $"{side.Name}: the RTC's alarm flag (register C)");
            before.ForEach(register => Cmos.Write(side.Process.QTest!, register.register, register.Item2));
            Pics.Forget(side.Process.QTest!);
        }
    }

    private static Task RingAsync(MigrationSide side, CancellationToken ct) => Poll.UntilAsync(side.Name, $"the RTC's alarm, set before the migration for {Later} s later, to ask for interrupt {RtcLine}",
        _ => Task.FromResult(Pics.IsRequested(side.Process.QTest!, RtcLine) ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Command, ct);

    // As two decimal digits.
    private static byte InSeconds(byte now, int seconds)
    {
        var then = ((now >> 4) * 10 + (now & 0xf) + seconds) % 60;
        return (byte)((then / 10 << 4) | (then % 10));
    }
}
