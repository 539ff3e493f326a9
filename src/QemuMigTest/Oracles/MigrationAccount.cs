using System.Text.Json;
using QemuMigTest.Binaries;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>What the source says of a completed migration, and what is known of that migration otherwise.</summary>
internal sealed record MigrationAccount
{
    /// <summary>The source's query-migrate after the migration.</summary>
    public required JsonElement Info { get; init; }

    /// <summary>The source's build.</summary>
    public required QemuVersion Version { get; init; }

    /// <summary>The capabilities that are on, on the source.</summary>
    public required IReadOnlySet<string> Capabilities { get; init; }

    /// <summary>The source's query-migrate-parameters.</summary>
    public required JsonElement Parameters { get; init; }

    /// <summary>The source's statuses and when QEMU said them.</summary>
    public required IReadOnlyList<(MigrationStatus Status, DateTimeOffset Time)> Statuses { get; init; }

    /// <summary>When the source's guest was stopped for it; where it was stopped before, when the switchover began. Null when that is not told.</summary>
    public required DateTimeOffset? Stopped { get; init; }

    /// <summary>The source's guest was stopped before it, and stayed so.</summary>
    public bool StoodStill { get; init; }

    /// <summary>When QEMU may have begun to stop it at the earliest: when the last pass before that began, which ends with the decision to switch over; without a pass, as with CPR, when the migration began.</summary>
    public DateTimeOffset? EarliestStop { get; init; }

    /// <summary>When the destination's guest ran, or null.</summary>
    public required DateTimeOffset? Resumed { get; init; }

    /// <summary>When the destination said that it had completed, or null.</summary>
    public DateTimeOffset? Arrived { get; init; }

    /// <summary>Bytes of RAM that the destination must have got from the stream at least: 0 where RAM stays where it is.</summary>
    public required long GuestRam { get; init; }

    /// <summary>Bytes that count as RAM and need not be sent: the guest has not plugged them, or calls them free.</summary>
    public long UnsentBytes { get; init; }

    /// <summary>Bytes of the file that the stream is in, from its start; null where there is none, or its pages have places.</summary>
    public long? FileBytes { get; init; }

    /// <summary>By how much two times may differ for a thread that waits for a processor, ms.</summary>
    public double ClockSlack { get; init; } = AccountRules.ClockSlack;

    /// <summary>When the host's monotonic clock, QEMU's clock of a migration's times, was 0; null where that is not known.</summary>
    public DateTimeOffset? ClockZero { get; init; }

    /// <summary>Whether its source has begun another migration before.</summary>
    public bool IsLater { get; init; }

    /// <summary>Whether xbzrle-cache is of this migration alone: QEMU goes on counting from the one before (docs/findings.md).</summary>
    public bool XbzrleIsOwn => !IsLater || Xbzrle("pages") == 0;

    /// <summary>Whether it went on as postcopy.</summary>
    public bool IsPostcopy => Saw(MigrationStatus.PostcopyActive);

    /// <summary>Whether pages are made smaller by multifd.</summary>
    public bool IsCompressed => On("multifd") && Parameters.TryGetProperty("multifd-compression", out var method) && method.GetString() != "none";

    /// <summary>Whether a time that QEMU says, ms, is not what a clock shows.</summary>
    public bool IsOff(double said, double clock) => Math.Abs(said - clock) > ClockSlack + (clock * AccountRules.ClockShare);

    /// <summary>Whether a capability is on.</summary>
    public bool On(string capability) => Capabilities.Contains(capability);

    /// <summary>Whether a status came.</summary>
    public bool Saw(MigrationStatus status) => Statuses.Any(seen => seen.Status == status);

    /// <summary>When a status came first.</summary>
    public DateTimeOffset? TimeOf(MigrationStatus status) => Saw(status) ? Statuses.First(seen => seen.Status == status).Time : null;

    /// <summary>A number of MigrationInfo, or null.</summary>
    public long? Number(string name) => Info.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    /// <summary>A number of MigrationInfo's ram; 0 where it is not there.</summary>
    public long Ram(string name) => Info.TryGetProperty("ram", out var ram) && ram.TryGetProperty(name, out var value) ? value.GetInt64() : 0;

    /// <summary>A number of MigrationInfo's xbzrle-cache; 0 where it is not there.</summary>
    public long Xbzrle(string name) => Info.TryGetProperty("xbzrle-cache", out var cache) && cache.TryGetProperty(name, out var value) ? value.GetInt64() : 0;

    /// <summary>A number of MigrationInfo's compression, of the capability compress (to 9.0); 0 where it is not there.</summary>
    public long Compression(string name) => Info.TryGetProperty("compression", out var compression) && compression.TryGetProperty(name, out var value) ? value.GetInt64() : 0;
}
