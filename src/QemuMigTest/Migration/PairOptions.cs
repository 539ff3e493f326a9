using System.Text.Json.Nodes;
using QemuMigTest.Guests.State;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

/// <summary>What is special in a pair. The default is:
/// <code>
/// new PairOptions
/// {
///     Capabilities = [],                      // but for "events", which is always on
///     Parameters = [], SourceParameters = [], DestinationParameters = [],
///     Tls = null,
///     ExitOnError = true,
///     HumanMonitor = false,
///     Convergence = Convergence.Held,
///     RegionMiB = 99,
///     PageStrideMiB = 0,
///     DirtyRingSize = 0,
///     GuestSuspends = false,
///     StateGuest = null,
///     HpetStopped = false,
///     UnsentBytes = 0,
///     Mode = MigrationMode.Normal,
///     Ram = GuestRam.Anonymous, RamNodesKiB = [],
///     SourceArguments = new(), DestinationArguments = new(),
/// }
/// </code></summary>
public sealed record PairOptions
{
    /// <summary>The region, MiB, of a guest that makes many migrations, each of which costs half as much.</summary>
    public const uint SmallRegionMiB = 31;

    /// <summary>The least region, MiB, of which a pass with <see cref="Convergence.HeldFast"/> lasts longer than a vCPU may have to wait for a processor: 250 ms.</summary>
    public const uint HeldFastRegionMiB = 63;

    internal const uint LargestRegionMiB = 99;

    /// <summary>Capabilities turned on, on both sides.</summary>
    public IReadOnlyList<MigrationCapability> Capabilities { get; init; } = [];

    /// <summary>Capabilities turned on, on the source alone.</summary>
    public IReadOnlyList<MigrationCapability> SourceCapabilities { get; init; } = [];

    /// <summary>Parameters set on both sides, by QAPI's names.</summary>
    public JsonObject Parameters { get; init; } = [];

    /// <summary>Parameters set on the source alone.</summary>
    public JsonObject SourceParameters { get; init; } = [];

    /// <summary>Parameters set on the destination alone.</summary>
    public JsonObject DestinationParameters { get; init; } = [];

    /// <summary>Each side's credentials for TLS and what it wants of the other (tls-creds, tls-hostname, tls-authz), or null for a pair without TLS.</summary>
    public TlsSettings? Tls { get; init; }

    /// <summary>Whether the destination exits when the migration fails (exit-on-error of migrate-incoming, since 9.1; QEMU's own default).</summary>
    public bool ExitOnError { get; init; } = true;

    /// <summary>Whether what moves the guest is typed in the human monitor (HMP: migrate, migrate_set_parameter, …), where that has it. The answers are read by QMP.</summary>
    public bool HumanMonitor { get; init; }

    /// <summary>Whether the migration may complete at once.</summary>
    public Convergence Convergence { get; init; } = Convergence.Held;

    /// <summary>The size of the region that the guest dirties, MiB: 1 to 99. With <see cref="Convergence.HeldFast"/> a pass must last longer than a vCPU may have to wait for a processor: <see cref="HeldFastRegionMiB"/> or more.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not in its range.</exception>
    public uint RegionMiB
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfZero(value, nameof(RegionMiB));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, LargestRegionMiB, nameof(RegionMiB));
            field = value;
        }
    } = LargestRegionMiB;

    /// <summary>From one page that the guest dirties to the next, MiB, a power of two of which the region is a multiple; 0 for a guest that dirties all pages of the region. Most of the others are zero.</summary>
    public uint PageStrideMiB { get; init; }

    /// <summary>How many entries KVM's dirty ring of each vCPU has (dirty-ring-size, since 6.1), a power of two; 0 for none. Needs KVM.</summary>
    public int DirtyRingSize { get; init; }

    /// <summary>The guest goes to ACPI S3 once, after its first pass marker.</summary>
    public bool GuestSuspends { get; init; }

    /// <summary>The state guest in place of the one that dirties memory, or null. It looks at CPU and devices, and its memory is not compared.</summary>
    public StateGuestSettings? StateGuest { get; init; }

    /// <summary>The test stops the HPET and keeps it so: the oracle <c>machine</c> does not start it, and cannot tell by it for how long the guest has run.</summary>
    public bool HpetStopped { get; init; }

    /// <summary>How much counts as RAM and need not be sent, bytes: what a device has (virtio-mem) and the guest has not plugged when it leaves, or what it calls free (virtio-balloon).</summary>
    public long UnsentBytes { get; init; }

    /// <summary>The migration parameter mode (since 8.2). With cpr-transfer and cpr-exec the pair has no destination before it migrates.</summary>
    public MigrationMode Mode { get; init; } = MigrationMode.Normal;

    /// <summary>What the guest's RAM is made of.</summary>
    public GuestRam Ram { get; init; } = GuestRam.Anonymous;

    /// <summary>The sizes, KiB, of the NUMA nodes that the guest's RAM is in, each a block of memory of its own (memory-backend-ram): multiples of 4, 153600 in all.
    /// Without any it is one block. For <see cref="GuestRam.Anonymous"/> alone.</summary>
    /// <exception cref="ArgumentException">They are not the guest's RAM.</exception>
    public IReadOnlyList<int> RamNodesKiB
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.Count > 0 && (value.Any(size => size <= 0 || size % 4 != 0) || value.Sum() != MigrationPair.GuestMemoryMiB * 1024))
            {
                throw new ArgumentException($"Nodes of {string.Join(", ", value)} KiB do not make {MigrationPair.GuestMemoryMiB} MiB of pages.", nameof(RamNodesKiB));
            }

            field = value;
        }
    } = [];

    /// <summary>More arguments for the source's QEMU.</summary>
    public QemuCommandLine SourceArguments { get; init; } = new();

    /// <summary>More arguments for the destination's QEMU.</summary>
    public QemuCommandLine DestinationArguments { get; init; } = new();
}
