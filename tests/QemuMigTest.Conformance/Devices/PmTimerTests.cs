using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The timer of ACPI's power management: its half goes by, and the interrupt for it comes, wherever its guest is by then.</summary>
public sealed class PmTimerTests : MigrationFixture
{
    private const ushort Status = 0x600;
    private const ushort Enable = 0x602;
    private const ushort Timer = 0x608;
    private const ushort TimerBit = 1;
    private const uint Half = 0x80_0000;
    private const uint Frequency = 3_579_545;
    private const ulong HpetCounter = 0xfed0_00f0;
    private const double HpetFrequency = 100_000_000;
    private const int Line = 9;

    [MigrationTest("/migration/devices/pm-timer"), RequiresQ35("ACPI's power management at 0x600", "there its timer is, and its interrupt is 9"), RequiresCapability("pause-before-switchover")]
    public async Task The_interrupt_of_the_PM_timer_comes_after_the_migration(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover], Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        // The guest's clock stands still: nothing is due before it goes on.
        var qtest = pair.Source.Process.QTest!;
        var enabled = qtest.In16(Enable);
        qtest.Out16(Status, TimerBit);
        qtest.Out16(Enable, TimerBit);
        Pics.Forget(qtest);
        (qtest.In16(Status) & TimerBit).ShouldBe(0, "source: TMR_STS of PM1, which was cleared");
        Pics.IsRequested(qtest, Line).ShouldBeFalse($"source: whether interrupt {Line} (SCI) is asked for, TMR_STS having been cleared, with the guest stopped");
        var (left, since) = (Half - (qtest.In32(Timer) % Half), qtest.ReadUInt64(HpetCounter));
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        // By the PIC: who reads the status has it worked out then, and who writes it sets the timer anew.
        var destination = pair.Destination;
        var seconds = left / (double)Frequency;
        await Poll.UntilAsync(destination.Name, FormattableString.Invariant($"the PM timer's interrupt ({Line}), allowed before the migration, to be asked for when its bit 23 changes, {seconds:0.000} s later"),
            _ => Task.FromResult(Pics.IsRequested(destination.Process.QTest!, Line) ? pair : null), destination.Process.LastSeen, Environment.Limits.Step, ct);
        ((destination.Process.QTest!.ReadUInt64(HpetCounter) - since) / HpetFrequency).ShouldBeGreaterThanOrEqualTo(seconds, "destination: seconds by the HPET until the PM timer's interrupt was asked for");
        (destination.Process.QTest!.In16(Status) & TimerBit).ShouldBe(TimerBit, "destination: TMR_STS of PM1, for which there was an interrupt");
        foreach (var side in pair.Sides)
        {
            // What is compared of both sides after the test must have come from the same.
            side.Process.QTest!.Out16(Enable, enabled);
            Pics.Forget(side.Process.QTest!);
        }

        Pics.IsRequested(destination.Process.QTest!, Line).ShouldBeFalse($"destination: whether interrupt {Line} (SCI) is asked for, which the PM timer may not any more");
    }
}
