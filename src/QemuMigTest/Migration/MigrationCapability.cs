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

    /// <inheritdoc/>
    public override string ToString() => Name;
}
