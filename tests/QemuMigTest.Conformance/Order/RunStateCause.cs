using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Order;

/// <summary>A run state in which a guest stands still, and what brings it there.</summary>
/// <param name="State">QAPI's RunState.</param>
/// <param name="Arguments">What QEMU must have for it.</param>
/// <param name="StopAsync">Stops the guest of the source that runs.</param>
internal sealed record RunStateCause(string State, QemuCommandLine Arguments, Func<MigrationPair, CancellationToken, Task> StopAsync)
{
    /// <summary>What <see cref="ShutDown"/> wants.</summary>
    public const string PowerOffWanted = "ACPI's power management at 0x600, as q35 has it";

    private const ushort WatchdogPort = 0x443;
    private const byte AtOnce = 0xf;
    private const ushort PanicPort = 0x505;
    private const byte IsPanicked = 1;
    private const ushort PowerManagement = 0x604;
    private const ushort PowerOff = 0x2000;

    public static RunStateCause Paused { get; } = new("paused", new(), (pair, ct) => pair.StopSourceAsync(ct));

    public static RunStateCause Prelaunch { get; } = new("prelaunch", new(), async (pair, ct) =>
    {
        await pair.StopSourceAsync(ct);
        await pair.ResetAsync(ct);
    });

    /// <summary>Wants the device ib700.</summary>
    public static RunStateCause Watchdog { get; } = new("watchdog", new QemuCommandLine().With("-device", "ib700").With("-action", "watchdog=pause"),
        (pair, ct) => pair.StopSourceByDeviceAsync(qtest => qtest.Out8(WatchdogPort, AtOnce), "WATCHDOG", ct));

    /// <summary>Wants the device pvpanic.</summary>
    public static RunStateCause Panicked { get; } = new("guest-panicked", new QemuCommandLine().With("-device", "pvpanic").With("-action", "panic=pause"),
        (pair, ct) => pair.StopSourceByDeviceAsync(qtest => qtest.Out8(PanicPort, IsPanicked), "GUEST_PANICKED", ct));

    /// <summary>Wants <see cref="PowerOffWanted"/>. cont is refused before a reset.</summary>
    public static RunStateCause ShutDown { get; } = new("shutdown", new QemuCommandLine().With("-action", "shutdown=pause"),
        (pair, ct) => pair.StopSourceByDeviceAsync(qtest => qtest.Out16(PowerManagement, PowerOff), "SHUTDOWN", ct));

    /// <summary>Why a source's guest cannot power off by that; null where it can.</summary>
    public static MissingRequirement? MissesPowerOff(MigrationPair pair) => pair.Source.Process.QTest!.In16(PowerManagement) == ushort.MaxValue
        ? new($"nothing there on {pair.Environment.MachineType}", "by it the guest powers off")
        : null;
}
