using System.Text.Json;

namespace QemuMigTest.Migration;

/// <summary>What query-migrate says (QAPI MigrationInfo).</summary>
/// <param name="Raw">All of it.</param>
public sealed record MigrationInfo(JsonElement Raw)
{
    /// <summary>The status; "none" before the first migration.</summary>
    public MigrationStatus Status => new(Raw.TryGetProperty("status", out var status) ? status.GetString()! : "none");

    /// <summary>Why it failed (since 2.7), or null.</summary>
    public string? ErrorDescription => Raw.TryGetProperty("error-desc", out var error) ? error.GetString() : null;

    /// <summary>From start to end, ms, or null.</summary>
    public long? TotalTime => Number("total-time");

    /// <summary>How long no side ran, ms; while the migration is under way, what is expected.</summary>
    public long? Downtime => Number("downtime");

    /// <summary>From the command to the first byte, ms.</summary>
    public long? SetupTime => Number("setup-time");

    /// <summary>RAM bytes sent.</summary>
    public long? RamTransferred => Ram("transferred");

    /// <summary>RAM bytes still to send.</summary>
    public long? RamRemaining => Ram("remaining");

    /// <summary>Pages that were all zero and sent as such.</summary>
    public long? RamDuplicate => Ram("duplicate");

    /// <summary>Bytes of pages that were sent whole.</summary>
    public long? RamNormalBytes => Ram("normal-bytes");

    /// <summary>The pass: how often dirty pages were collected (since 1.3).</summary>
    public long? DirtySyncCount => Ram("dirty-sync-count");

    /// <summary>How much of its time the guest is held back by auto-converge, % (since 2.7); 0 where it is not.</summary>
    public long CpuThrottle => Number("cpu-throttle-percentage") ?? 0;

    /// <summary>How long a pass has held the vCPU back, µs at most of all vCPUs (since 8.1); 0 where nothing does.</summary>
    public long DirtyLimitThrottleTime => Number("dirty-limit-throttle-time-per-round") ?? 0;

    /// <summary>Where the destination listens (since 4.0), one address each.</summary>
    public IReadOnlyList<JsonElement> SocketAddresses => Raw.TryGetProperty("socket-address", out var addresses) ? [.. addresses.EnumerateArray()] : [];

    private long? Number(string name) => Raw.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    private long? Ram(string name) => Raw.TryGetProperty("ram", out var ram) && ram.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    /// <inheritdoc/>
    public override string ToString() => Raw.ToString();
}
