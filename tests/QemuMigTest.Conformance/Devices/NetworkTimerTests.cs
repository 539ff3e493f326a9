using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Timers of network cards: what is due after the switchover comes on the destination.</summary>
[RequiresCapability("pause-before-switchover")]
public sealed class NetworkTimerTests : MigrationFixture
{
    // Of an RTL8139, by memory: its timer counts at PCI's 33 MHz, and strikes at a number.
    private const int RtlBar = 1;
    private const ulong InterruptMask = 0x3c;
    private const ulong InterruptStatus = 0x3e;
    private const ulong Count = 0x48;
    private const ulong TimerInterrupt = 0x54;
    private const ushort TimedOut = 1 << 14;
    private const uint Due = 33_000_000 / 8;

    // Of an e1000: how long it waits from one interrupt to the next (256 ns), what it is to tell, and that it is to tell.
    private const int CardBar = 0;
    private const ulong Throttling = 0xc4;
    private const ulong Cause = 0xc8;
    private const ulong MaskSet = 0xd0;
    private const ulong MaskClear = 0xd8;
    private const uint LinkChanged = 4;
    private const uint Interval = 1000;

    [MigrationTest("/migration/devices/network-timers/rtl8139"), RequiresDevice("rtl8139")]
    public async Task The_timer_of_an_RTL8139_strikes_after_the_migration(CancellationToken ct)
    {
        var (pair, function) = await StartAsync("rtl8139", ct);
        var registers = function.BaseAddress(RtlBar);
        var migration = await PauseAsync(pair, ct);
        // The guest's clock stands still: nothing is due before it goes on.
        var qtest = pair.Source.Process.QTest!;
        qtest.Write(registers + InterruptMask, [0, 0]);
        Write(qtest, registers + TimerInterrupt, Due);
        Write(qtest, registers + Count, 0);
        (Read(qtest, registers + InterruptStatus) & TimedOut).ShouldBe(0, "source: whether its timer has struck, with the guest stopped");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        var destination = pair.Destination;
        await Poll.UntilAsync(destination.Name, "the timer of its RTL8139, set before the migration, to strike 0.125 s later", _ =>
            Task.FromResult((Read(destination.Process.QTest!, registers + InterruptStatus) & TimedOut) != 0 ? pair : null), destination.Process.LastSeen, Environment.Limits.Step, ct);
    }

    [MigrationTest("/migration/devices/network-timers/e1000"), RequiresDevice("e1000")]
    public async Task An_e1000_that_spaces_out_its_interrupts_tells_after_the_migration(CancellationToken ct)
    {
        var (pair, function) = await StartAsync("e1000", ct);
        var registers = function.BaseAddress(CardBar);
        Write(pair.Source.Process.QTest!, registers + MaskClear, uint.MaxValue);
        Write(pair.Source.Process.QTest!, registers + Throttling, Interval);
        var migration = await PauseAsync(pair, ct);
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        var destination = pair.Destination;
        function.WantsInterrupt.ShouldBeFalse("destination: an interrupt of the card, which has nothing to tell");
        Write(destination.Process.QTest!, registers + MaskSet, LinkChanged);
        Write(destination.Process.QTest!, registers + Cause, LinkChanged);
        await Poll.UntilAsync(destination.Name, "its e1000, which waits 256 µs from one interrupt to the next, to want the first", _ => Task.FromResult(function.WantsInterrupt ? pair : null), destination.Process.LastSeen, Environment.Limits.Step, ct);
        // What is compared of both sides after the test must have come from the same.
        Write(destination.Process.QTest!, registers + MaskClear, uint.MaxValue);
    }

    private async Task<(MigrationPair Pair, PciFunction Function)> StartAsync(string card, CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", $"{card},addr={VirtioDevice.Slot},romfile=");
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = arguments,
            DestinationArguments = arguments,
        }, ct);
        var function = new PciFunction(pair, VirtioDevice.Slot);
        function.EnableOnlyToBeReached();
        return (pair, function);
    }

    private static async Task<MigrationRun> PauseAsync(MigrationPair pair, CancellationToken ct)
    {
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        return migration;
    }

    private static void Write(QTestClient qtest, ulong at, uint value) => qtest.Write(at, BitConverter.GetBytes(value));

    private static ushort Read(QTestClient qtest, ulong at) => BitConverter.ToUInt16(qtest.Read(at, sizeof(ushort)));
}
