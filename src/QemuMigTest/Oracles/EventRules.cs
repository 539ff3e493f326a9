using System.Text.Json;
using QemuMigTest.Migration;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>Which events may come at all, and because of what.</summary>
internal static class EventRules
{
    // Told of every migration: RunStateWalk and PassOrder know when each of them must come.
    private static readonly HashSet<string> Migrations = ["MIGRATION", "MIGRATION_PASS", "STOP", "RESUME"];

    // It comes for each of several requests, and late where QEMU lets one a second through.
    private const string OfEachRequest = "BLOCK_IO_ERROR";

    /// <summary>What comes of a command, and of nothing else.</summary>
    private static readonly Dictionary<string, string[]> Commanded = new()
    {
        ["RESET"] = ["system_reset", "system_wakeup"],
        ["WAKEUP"] = ["system_wakeup"],
        ["POWERDOWN"] = ["system_powerdown"],
        ["SHUTDOWN"] = ["quit", "system_powerdown"],
        ["DUMP_COMPLETED"] = ["dump-guest-memory"],
    };

    /// <summary>What comes of something that is special in a pair.</summary>
    private static readonly Dictionary<string, Func<PairOptions, bool>> Special = new()
    {
        ["SUSPEND"] = options => options.GuestSuspends,
        ["COLO_EXIT"] = options => options.Capabilities.Contains(MigrationCapability.Colo),
    };

    private static readonly HashSet<string> Faults =
    [
        "GUEST_PANICKED", "GUEST_CRASHLOADED", "GUEST_PVSHUTDOWN", "WATCHDOG", "MEMORY_FAILURE", "SUSPEND_DISK",
        "BLOCK_IO_ERROR", "BLOCK_IMAGE_CORRUPTED", "BLOCK_WRITE_THRESHOLD", "BLOCK_JOB_ERROR", "QUORUM_FAILURE",
    ];

    /// <summary>What has nothing to do with a migration, and is a test's own business.</summary>
    private static readonly HashSet<string> Unrelated =
    [
        "RTC_CHANGE", "BALLOON_CHANGE", "NIC_RX_FILTER_CHANGED", "VSERPORT_CHANGE", "ACPI_DEVICE_OST", "DEVICE_DELETED", "DEVICE_TRAY_MOVED", "DEVICE_UNPLUG_GUEST_ERROR",
        "UNPLUG_PRIMARY", "FAILOVER_NEGOTIATED", "JOB_STATUS_CHANGE", "BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", "BLOCK_JOB_READY", "BLOCK_JOB_PENDING",
        "NETDEV_STREAM_CONNECTED", "NETDEV_STREAM_DISCONNECTED", "NETDEV_VHOST_USER_CONNECTED", "NETDEV_VHOST_USER_DISCONNECTED", "MEMORY_DEVICE_SIZE_CHANGE",
    ];

    /// <summary>What is wrong with this event on a side of this pair, or null.</summary>
    /// <param name="came">One of the side's events.</param>
    /// <param name="side">The side's history.</param>
    /// <param name="options">What is special in the pair.</param>
    public static string? Complaint(QmpEvent came, SideHistory side, PairOptions options)
    {
        var (name, position) = (came.Name, came.Position);
        if (Migrations.Contains(name) || Unrelated.Contains(name) || side.IsCommanded(ExecutedCommand.ByDevice(name), position)
            || name == OfEachRequest && side.Commands.Any(command => command.Name == ExecutedCommand.ByDevice(name) && command.From <= position))
        {
            return null;
        }

        if (Commanded.TryGetValue(name, out var commands))
        {
            // Each causes one at most of QEMU's own; a BIOS that finds that it has run in this memory resets the machine itself, up to three times seen.
            var asked = side.Commands.Count(command => command.From <= position && commands.Contains(command.Name));
            var times = IsGuests(came) ? 1 : side.Events.Count(e => e.Name == name && e.Position < position && !IsGuests(e)) + 1;
            return times <= asked
                ? null
                : $"event {name} came{(asked > 0 ? $" {times} times" : "")}, and nobody had asked for it {(asked > 0 ? $"more than {asked} times " : "")}by {string.Join(" or ", commands)}";
        }

        if (Special.TryGetValue(name, out var belongs))
        {
            return belongs(options) ? null : $"event {name} came, and nothing in this pair causes it";
        }

        return Faults.Contains(name)
            ? $"event {name} came, which must not come in a migration"
            : $"event {name} is not known: say in {nameof(EventRules)} when it may come";
    }

    private static bool IsGuests(QmpEvent e) => e.Data.TryGetProperty("guest", out var guest) && guest.ValueKind == JsonValueKind.True;
}
