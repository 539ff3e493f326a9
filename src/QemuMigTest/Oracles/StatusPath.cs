using QemuMigTest.Migration;
using QemuMigTest.Qmp;

namespace QemuMigTest.Oracles;

/// <summary>The order in which a QEMU went through the statuses that its MIGRATION events tell.</summary>
internal static class StatusPath
{
    /// <summary>The order in which they were sent where that is legal; else that of their times, where that is.</summary>
    /// <remarks>The monitor's thread says cancelling and the migration's own the others: each takes an event's time, and then may have to wait until the other has sent its own.</remarks>
    /// <param name="events">All events in question, in the order in which they were sent.</param>
    /// <param name="isLegal">Whether QEMU may go through statuses in this order.</param>
    public static List<MigrationStatus> Of(IReadOnlyList<QmpEvent> events, Func<List<MigrationStatus>, bool> isLegal)
    {
        var sent = Statuses(events);
        return !isLegal(sent) && Statuses(events.OrderBy(e => e.Timestamp)) is var taken && isLegal(taken) ? taken : sent;
    }

    private static List<MigrationStatus> Statuses(IEnumerable<QmpEvent> events) => events.Select(MigrationSide.StatusOf).OfType<MigrationStatus>().ToList();
}
