namespace QemuMigTest.Migration;

/// <summary>The migration parameter mode (QAPI MigMode, since 8.2): how the guest's RAM gets to the destination.</summary>
/// <param name="Name">QAPI's name.</param>
public readonly record struct MigrationMode(string Name)
{
    /// <summary>RAM is in the stream.</summary>
    public static readonly MigrationMode Normal = new("normal");

    /// <summary>The guest is stopped first, and RAM may stay where it is while the host restarts (since 8.2).</summary>
    public static readonly MigrationMode CprReboot = new("cpr-reboot");

    /// <summary>The destination is started for the migration and gets RAM's descriptors over a second channel (since 10.0).</summary>
    public static readonly MigrationMode CprTransfer = new("cpr-transfer");

    /// <summary>The source's process executes the new QEMU, which inherits RAM's descriptors (since 10.2).</summary>
    public static readonly MigrationMode CprExec = new("cpr-exec");

    /// <summary>Whether the destination's monitor answers only after the source's migrate.</summary>
    internal bool DestinationJoinsLater => this == CprTransfer || this == CprExec;

    /// <inheritdoc/>
    public override string ToString() => Name;
}
