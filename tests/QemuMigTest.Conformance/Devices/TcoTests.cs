using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>The watchdog of the chipset (TCO): nobody feeds it, and what it does the second time it does at its second time, wherever its guest is by then.</summary>
public sealed class TcoTests : MigrationFixture
{
    private const ushort Reload = 0x660;
    private const ushort Status1 = 0x664;
    private const ushort Status2 = 0x666;
    private const ushort Control1 = 0x668;
    private const ushort Timer = 0x672;
    private const ushort Halted = 0x800;
    private const ushort TimedOut = 8;
    private const ushort SecondTime = 2;

    // Of 600 ms each: the fewest.
    private const ushort Ticks = 2;

    [MigrationTest("/migration/devices/tco"), RequiresQ35("the TCO's registers at 0x660", "its chipset alone has this watchdog")]
    public async Task A_watchdog_that_was_not_fed_before_the_migration_strikes_after_it(CancellationToken ct)
    {
        // That it strikes is told by its status; else it would reset the machine.
        var arguments = new QemuCommandLine().With("-global", "ICH9-LPC.noreboot=true");
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var qtest = pair.Source.Process.QTest!;
        var before = (Timer: qtest.In16(Timer), Control: qtest.In16(Control1));
        qtest.Out16(Control1, (ushort)(before.Control & ~Halted));
        qtest.Out16(Timer, Ticks);
        await StopAfterFirstTimeAsync(pair, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);

        await TimeOutAsync(pair.Destination, "for the second time, the first on the destination", ct);
        (pair.Destination.Process.QTest!.In16(Status2) & SecondTime).ShouldBe(SecondTime, "destination: SECOND_TO_STS at the watchdog's first time there; on the source it had struck once");
        foreach (var side in pair.Sides)
        {
            // What is compared of both sides after the test must have come from the same.
            side.Process.QTest!.Out16(Control1, (ushort)(before.Control | Halted));
            side.Process.QTest!.Out16(Timer, before.Timer);
            side.Process.QTest!.Out16(Reload, 0);
            side.Process.QTest!.Out16(Status1, TimedOut);
            side.Process.QTest!.Out16(Status2, ushort.MaxValue);
        }
    }

    // On a busy machine the guest may be stopped after the second time only: then the watchdog is fed, and all begins anew.
    private static async Task StopAfterFirstTimeAsync(MigrationPair pair, CancellationToken ct)
    {
        var qtest = pair.Source.Process.QTest!;
        while (true)
        {
            qtest.Out16(Status2, ushort.MaxValue);
            qtest.Out16(Status1, TimedOut);
            qtest.Out16(Reload, 0);
            await TimeOutAsync(pair.Source, "for the first time", ct);
            await pair.StopSourceAsync(ct);
            if ((qtest.In16(Status2) & SecondTime) == 0)
            {
                qtest.Out16(Status1, TimedOut);
                return;
            }

            await pair.Source.ContinueAsync(ct);
        }
    }

    private static Task TimeOutAsync(MigrationSide side, string when, CancellationToken ct) => Poll.UntilAsync(side.Name, $"the TCO's watchdog to strike {when}",
        _ => Task.FromResult((side.Process.QTest!.In16(Status1) & TimedOut) != 0 ? side : null), side.Process.LastSeen, side.Process.Options.Limits.Command, ct);
}
