using System.Buffers.Binary;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.State;

/// <summary>An HPET that was stopped, whose counter holds what it was given and is not worked out from a clock; and one whose timer strikes again and again.</summary>
public sealed class HpetTests : MigrationFixture
{
    private const ulong Configuration = 0xfed0_0010;
    private const ulong Counter = 0xfed0_00f0;
    private const ulong Given = 0x0123_4567_89ab_cdef;

    private const ulong LastTimer = 0xfed0_0140;
    private const ulong LastComparator = 0xfed0_0148;

    // Periodic, and the next value written is the comparator's, and not only the period's.
    private const uint PeriodicFrom = 0x48;
    private const uint Of32Bits = 0x100;

    // In ticks of 10 ns. The shorter one is over while QEMU's main loop goes round.
    private const uint Period = 1_000_000;
    private const uint ShortPeriod = 100;
    private const uint Periods = 3;

    [MigrationTest("/migration/state/hpet-stopped")]
    public async Task A_counter_that_stands_still_is_on_both_sides_what_it_was(CancellationToken ct)
    {
        var pair = await StartWithoutHpetAsync([], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        Check(pair.Destination);
        Check(pair.Source);
    }

    [MigrationTest("/migration/state/hpet-stopped/cancelled"), RequiresCapability("pause-before-switchover")]
    public async Task It_is_what_it_was_when_a_migration_is_cancelled_with_the_guest_stopped(CancellationToken ct)
    {
        var pair = await StartWithoutHpetAsync([MigrationCapability.PauseBeforeSwitchover], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        Check(pair.Source);
    }

    // The state guest's strikes by its first timer. None asks for an interrupt here.
    [MigrationTest("/migration/state/hpet-periodic")]
    public async Task The_last_timer_strikes_again_and_again_after_a_migration(CancellationToken ct)
    {
        var pair = await StartPeriodicAsync(PeriodicFrom, Period, ct);
        await StrikeAsync(pair.Destination, Period, ct);
        End(pair);
    }

    [MigrationTest("/migration/state/hpet-periodic/due")]
    public async Task A_timer_that_was_due_when_the_guest_stopped_strikes_after_a_migration(CancellationToken ct)
    {
        var pair = await StartPeriodicAsync(PeriodicFrom | Of32Bits, ShortPeriod, ct);
        if (Quirks.DueHpetTimerWaits(Environment.Destination.Version))
        {
            var qtest = pair.Destination.Process.QTest!;
            var (comparator, counter) = (Read(qtest, LastComparator), qtest.ReadUInt64(Counter));
            await Poll.UntilAsync(pair.Destination.Name, "the HPET's counter to go on", _ => Task.FromResult(qtest.ReadUInt64(Counter) - counter > Period ? pair : null), () => "", Environment.Limits.Command, ct);
            Read(qtest, LastComparator).ShouldBe(comparator, $"this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.DueHpetTimerWaits)} says it has");
            NoteFault(Quirks.DueHpetTimerWaitsShown);
        }
        else
        {
            await StrikeAsync(pair.Destination, ShortPeriod, ct);
        }

        End(pair);
    }

    private async Task<MigrationPair> StartPeriodicAsync(uint configuration, uint period, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var qtest = pair.Source.Process.QTest!;
        // While the counter stands still: one that had gone past the comparator before that was written would come round to it after 43 s.
        Write(qtest, Configuration, 0);
        // In halves, and it is the comparator's but once.
        Write(qtest, LastTimer, configuration);
        Write(qtest, LastComparator + sizeof(uint), 0);
        Write(qtest, LastTimer, configuration);
        Write(qtest, LastComparator, (uint)qtest.ReadUInt64(Counter) + Period);
        Write(qtest, LastComparator, period);
        Write(qtest, Configuration, 1);
        await StrikeAsync(pair.Source, period, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        return pair;
    }

    private static void End(MigrationPair pair)
    {
        foreach (var side in new[] { pair.Source, pair.Destination })
        {
            Write(side.Process.QTest!, LastTimer, 0);
        }
    }

    private static async Task StrikeAsync(MigrationSide side, uint period, CancellationToken ct)
    {
        var before = Read(side.Process.QTest!, LastComparator);
        uint now = 0;
        await Poll.UntilAsync(side.Name, $"the comparator of the HPET's last timer, at 0x{before:x}, to go on by {Periods} periods",
            _ => Task.FromResult((now = Read(side.Process.QTest!, LastComparator)) - before >= Periods * period ? side : null),
            () => $"0x{now:x}, with the counter at 0x{side.Process.QTest!.ReadUInt64(Counter):x}", side.Process.Options.Limits.Command, ct);
        ((now - before) % period).ShouldBe(0u, $"{side.Name}: the comparator went from 0x{before:x} to 0x{now:x}, and its period is {period} ticks");
    }

    private static uint Read(QTestClient qtest, ulong address) => BinaryPrimitives.ReadUInt32LittleEndian(qtest.Read(address, sizeof(uint)));

    private static void Write(QTestClient qtest, ulong address, uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        qtest.Write(address, bytes);
    }

    private async Task<MigrationPair> StartWithoutHpetAsync(IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { HpetStopped = true, SourceCapabilities = capabilities, Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var qtest = pair.Source.Process.QTest!;
        // Its registers are written in halves, and the counter only while it stands still.
        Write(qtest, Configuration, 0);
        Write(qtest, Counter, unchecked((uint)Given));
        Write(qtest, Counter + sizeof(uint), (uint)(Given >> 32));
        Check(pair.Source);
        return pair;
    }

    private static void Check(MigrationSide side)
    {
        var qtest = side.Process.QTest!;
        (Read(qtest, Configuration) & 1).ShouldBe(0u, $"{side.Name}: the HPET was stopped");
        qtest.ReadUInt64(Counter).ShouldBe(Given, $"{side.Name}: the counter of an HPET that was stopped, 0x{Given:x}");
    }
}
