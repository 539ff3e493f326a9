namespace QemuMigTest.Migration;

/// <summary>A status of a migration (QAPI MigrationStatus). Open: a newer QEMU may have one that is not named here.</summary>
/// <param name="Name">QAPI's name.</param>
public readonly record struct MigrationStatus(string Name)
{
    /// <summary>No migration has been started.</summary>
    public static readonly MigrationStatus None = new("none");

    /// <summary>Connecting and preparing.</summary>
    public static readonly MigrationStatus Setup = new("setup");

    /// <summary>A cancel is under way.</summary>
    public static readonly MigrationStatus Cancelling = new("cancelling");

    /// <summary>Cancelled.</summary>
    public static readonly MigrationStatus Cancelled = new("cancelled");

    /// <summary>RAM is being sent while the source may run.</summary>
    public static readonly MigrationStatus Active = new("active");

    /// <summary>The destination runs and RAM still comes (since 2.5).</summary>
    public static readonly MigrationStatus PostcopyActive = new("postcopy-active");

    /// <summary>Postcopy's channel is lost (since 3.0).</summary>
    public static readonly MigrationStatus PostcopyPaused = new("postcopy-paused");

    /// <summary>A new channel is being connected (since 9.1, source).</summary>
    public static readonly MigrationStatus PostcopyRecoverSetup = new("postcopy-recover-setup");

    /// <summary>Both sides agree on what is missing (since 3.0).</summary>
    public static readonly MigrationStatus PostcopyRecover = new("postcopy-recover");

    /// <summary>Postcopy's device state is being loaded (since 10.2).</summary>
    public static readonly MigrationStatus PostcopyDevice = new("postcopy-device");

    /// <summary>Done.</summary>
    public static readonly MigrationStatus Completed = new("completed");

    /// <summary>Failed.</summary>
    public static readonly MigrationStatus Failed = new("failed");

    /// <summary>Failed, and still cleaning up (since 11.0).</summary>
    public static readonly MigrationStatus Failing = new("failing");

    /// <summary>COLO is under way (since 2.8).</summary>
    public static readonly MigrationStatus Colo = new("colo");

    /// <summary>Waits for migrate-continue (since 2.11; capability pause-before-switchover).</summary>
    public static readonly MigrationStatus PreSwitchover = new("pre-switchover");

    /// <summary>Device state is being sent (since 2.11).</summary>
    public static readonly MigrationStatus Device = new("device");

    /// <summary>Waits for the guest to give up a device (since 4.2).</summary>
    public static readonly MigrationStatus WaitUnplug = new("wait-unplug");

    /// <summary>A migration with it goes on by itself, or waits for something.</summary>
    public bool IsUnderWay => this != None && this != Completed && this != Failed && this != Cancelled;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
