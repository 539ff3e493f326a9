using QemuMigTest.Processes;
using QemuMigTest.Qmp;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Watchdogs that a machine is given: one that the guest has started, and that nobody feeds after the migration, strikes when its time is over, and not before.</summary>
public sealed class WatchdogTests : MigrationFixture
{
    private const string Strike = "WATCHDOG";

    // QEMU's times are the host's, which may be set right meanwhile; the watchdogs' are not.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(20);

    // In its first stage it only asks for an interrupt, here for none; in the second it strikes, and is as after a reset.
    [MigrationTest("/migration/devices/watchdog/i6300esb"), RequiresDevice("i6300esb")]
    public async Task A_watchdog_of_two_stages_strikes_after_the_migration_and_again_when_it_is_started_anew(CancellationToken ct)
    {
        const int Slot = 6;
        const uint Milliseconds = 300;
        var pair = await StartAsync("i6300esb", $",addr={Slot}", ct);
        var function = new PciFunction(pair, Slot);
        function.Enable();
        var watchdog = new TwoStages(function);
        watchdog.Start();
        var strike = await MoveAsync(pair, qtest => watchdog.Feed(qtest, Milliseconds), 2 * Milliseconds, ct);
        watchdog.HasStruck(pair.Destination.Process.QTest!).ShouldBeTrue("destination: the watchdog's own flag that it has struck");

        await pair.Destination.StopAsync(ct);
        watchdog.Start();
        watchdog.Feed(pair.Destination.Process.QTest!, Milliseconds);
        await pair.Destination.ContinueAsync(ct);
        await StrikeAsync(pair.Destination, strike.Position + 1, 2 * Milliseconds, "was started anew on the destination", ct);
    }

    [MigrationTest("/migration/devices/watchdog/ib700"), RequiresDevice("ib700")]
    public async Task A_watchdog_strikes_after_the_migration(CancellationToken ct)
    {
        const ushort Enable = 0x443;
        const byte HalfAMinute = 0;
        const byte TwoSeconds = 0xe;
        var pair = await StartAsync("ib700", "", ct);
        pair.Source.Process.QTest!.Out8(Enable, HalfAMinute);
        await MoveAsync(pair, qtest => qtest.Out8(Enable, TwoSeconds), 2000, ct);
    }

    private Task<MigrationPair> StartAsync(string model, string options, CancellationToken ct)
    {
        var arguments = new QemuCommandLine().With("-device", $"{model}{options}").With("-action", "watchdog=none");
        return StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
    }

    // It is fed when the guest stands still already: its time begins on the destination.
    private static async Task<QmpEvent> MoveAsync(MigrationPair pair, Action<QTestClient> feed, uint milliseconds, CancellationToken ct)
    {
        await pair.StopSourceAsync(ct);
        feed(pair.Source.Process.QTest!);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        return await StrikeAsync(pair.Destination, migration.DestinationEvents, milliseconds, "was fed before the migration", ct);
    }

    private static async Task<QmpEvent> StrikeAsync(MigrationSide side, int from, uint milliseconds, string when, CancellationToken ct)
    {
        var resumed = await side.WaitForEventAsync("RESUME", from, ct);
        var strike = await side.WaitForDeviceEventAsync(Strike, from, ct);
        (strike.Timestamp - resumed.Timestamp).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(milliseconds) - Slack,
            $"{side.Name}: from RESUME to {Strike}: the watchdog {when}, with the guest stopped, and has {milliseconds} ms from then on");
        return strike;
    }

    /// <summary>The watchdog of an Intel 6300ESB.</summary>
    private sealed class TwoStages(PciFunction function)
    {
        private const int Configuration = 0x60;
        private const int Lock = 0x68;
        private const ushort NoInterrupt = 3;
        private const byte Enabled = 2;
        private const int SecondStage = 4;
        private const int Reload = 0xc;
        private const ushort Fed = 0x100;
        private const ushort Struck = 0x200;
        private readonly ulong _registers = function.BaseAddress(0);

        /// <summary>Starts it, where the guest is, with the longest time there is.</summary>
        public void Start()
        {
            function.Write16(Configuration, NoInterrupt);
            function.Write8(Lock, Enabled);
        }

        /// <summary>Sets the time of each stage, and begins with the first.</summary>
        public void Feed(QTestClient qtest, uint milliseconds)
        {
            // By ticks of 30 ns, 32768 at a time, rounded up.
            var ticks = (milliseconds * 1_000_000u / (30 << 15)) + 1;
            Write(qtest, 0, BitConverter.GetBytes(ticks));
            Write(qtest, SecondStage, BitConverter.GetBytes(ticks));
            Write(qtest, Reload, BitConverter.GetBytes(Fed));
        }

        /// <summary>Whether it says that it has struck.</summary>
        public bool HasStruck(QTestClient qtest) => (BitConverter.ToUInt16(qtest.Read(_registers + Reload, sizeof(ushort))) & Struck) != 0;

        // Two values open it for one.
        private void Write(QTestClient qtest, int register, byte[] value)
        {
            qtest.Write(_registers + Reload, [0x80, 0]);
            qtest.Write(_registers + Reload, [0x86, 0]);
            qtest.Write(_registers + (ulong)register, value);
        }
    }
}
