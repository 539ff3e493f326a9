namespace QemuMigTest.Migration;

/// <summary>A migration capability (QAPI MigrationCapability).</summary>
/// <param name="Name">QAPI's name.</param>
public readonly record struct MigrationCapability(string Name)
{
    /// <summary>MIGRATION events (since 2.4). Every pair has it on, both sides.</summary>
    public static readonly MigrationCapability Events = new("events");

    /// <summary>Several connections for RAM (since 4.0).</summary>
    public static readonly MigrationCapability Multifd = new("multifd");

    /// <summary>The destination may run before all RAM is there (since 2.6).</summary>
    public static readonly MigrationCapability PostcopyRam = new("postcopy-ram");

    /// <summary>A connection of its own for pages that the destination waits for (since 7.1).</summary>
    public static readonly MigrationCapability PostcopyPreempt = new("postcopy-preempt");

    /// <summary>How long vCPUs were blocked by missing pages (since 3.0).</summary>
    public static readonly MigrationCapability PostcopyBlocktime = new("postcopy-blocktime");

    /// <summary>The destination refuses another VM's stream (since 4.2).</summary>
    public static readonly MigrationCapability ValidateUuid = new("validate-uuid");

    /// <summary>Pages in the file lie at fixed places (since 9.0).</summary>
    public static readonly MigrationCapability MappedRam = new("mapped-ram");

    /// <summary>Only what changed in a page is sent again (since 1.2).</summary>
    public static readonly MigrationCapability Xbzrle = new("xbzrle");

    /// <summary>vCPUs are throttled until the migration converges (since 1.6).</summary>
    public static readonly MigrationCapability AutoConverge = new("auto-converge");

    /// <summary>vCPUs that write too fast are held back, each by itself (since 8.1; KVM with a dirty ring).</summary>
    public static readonly MigrationCapability DirtyLimit = new("dirty-limit");

    /// <summary>The source stops in pre-switchover and waits for migrate-continue (since 2.11).</summary>
    public static readonly MigrationCapability PauseBeforeSwitchover = new("pause-before-switchover");

    /// <summary>The destination answers the source (since 2.10).</summary>
    public static readonly MigrationCapability ReturnPath = new("return-path");

    /// <summary>What a guest writes to is saved before it does (since 6.0).</summary>
    public static readonly MigrationCapability BackgroundSnapshot = new("background-snapshot");

    /// <summary>The source waits with the switchover until the destination agrees (since 8.1).</summary>
    public static readonly MigrationCapability SwitchoverAck = new("switchover-ack");

    /// <summary>RAM that is shared with others stays where it is (since 4.0).</summary>
    public static readonly MigrationCapability IgnoreShared = new("x-ignore-shared");

    /// <summary>Both sides run in lockstep until one fails (since 2.8).</summary>
    public static readonly MigrationCapability Colo = new("x-colo");

    /// <summary>The capabilities that a text names, separated by spaces.</summary>
    public static IReadOnlyList<MigrationCapability> Several(string names) =>
        [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => new MigrationCapability(name))];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
