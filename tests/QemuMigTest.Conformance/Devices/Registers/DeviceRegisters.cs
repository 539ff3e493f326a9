using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>The registers of a device that nothing drives but a test: what is written to them before a migration, and how all of them are read on both sides after it.</summary>
internal abstract class DeviceRegisters
{
    /// <summary>Where a device is that is added for this.</summary>
    protected const int Slot = VirtioDevice.Slot;

    /// <summary>The device; none where the board has it.</summary>
    public virtual QemuCommandLine Arguments => new();

    /// <summary>Finds the device, and writes to it what it does not hold after a reset; the guest is stopped.</summary>
    /// <param name="pair">The pair, whose guest is on the source.</param>
    public abstract void Plant(MigrationPair pair);

    /// <summary>Reads all, by name. Reading may change the device.</summary>
    /// <param name="qtest">Of the side.</param>
    public abstract IReadOnlyDictionary<string, ulong> Read(QTestClient qtest);

    /// <summary>Waits until both sides have said completed, and leaves the guest stopped on both, so that they can be compared.</summary>
    public static async Task UntilBothCompletedAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);
        await migration.Source.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.SourceEvents, "the end of the migration", ct);
    }
}
