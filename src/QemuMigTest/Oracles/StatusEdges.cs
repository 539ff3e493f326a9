using QemuMigTest.Binaries;
using S = QemuMigTest.Migration.MigrationStatus;

namespace QemuMigTest.Oracles;

/// <summary>Which status of a migration may follow which, on each side, in each QEMU.</summary>
/// <remarks>Read off QEMU's sources and seen on running QEMUs; docs/oracles.md has the table and where each edge comes from.</remarks>
internal static class StatusEdges
{
    private static readonly Edge[] SourceEdges =
    [
        new(S.None, S.Setup),
        new(S.Setup, S.Active, S.WaitUnplug, S.Failed, S.Cancelling),
        new(S.WaitUnplug, S.Active, S.Cancelling),
        new(S.Active, S.PreSwitchover, S.Device, S.Failed, S.Cancelling),
        new(S.Active, S.Completed, S.PostcopyActive, S.Colo) { Until = (9, 2) },
        new(S.PreSwitchover, S.Device, S.Failed, S.Cancelling),
        // Postcopy that was paused before its switchover: seen on 7.2.
        new(S.PreSwitchover, S.PostcopyActive) { Until = (9, 2) },
        new(S.Device, S.Completed, S.Colo, S.Failed, S.Cancelling),
        // Since then the source waits for the destination to have loaded its devices.
        new(S.Device, S.PostcopyActive) { Until = (10, 1) },
        new(S.Device, S.PostcopyDevice) { Since = (10, 2) },
        new(S.PostcopyDevice, S.PostcopyActive, S.Failed) { Since = (10, 2) },
        new(S.PostcopyActive, S.Completed, S.Failed, S.PostcopyPaused),
        new(S.PostcopyPaused, S.PostcopyRecover) { Until = (9, 0) },
        new(S.PostcopyPaused, S.PostcopyRecoverSetup) { Since = (9, 1) },
        new(S.PostcopyRecoverSetup, S.PostcopyRecover, S.PostcopyPaused) { Since = (9, 1) },
        new(S.PostcopyRecover, S.PostcopyActive, S.PostcopyPaused),
        new(S.Colo, S.Completed),
        // A second migrate_cancel says cancelling again.
        new(S.Cancelling, S.Cancelled, S.Cancelling),
        // Each of multifd's channels that fails says so: seen on 7.2 and on 10.0; since 11.0 they say failing.
        new(S.Failed, S.Failed) { Until = (10, 2) },
        new(S.Failing, S.Failing) { Since = (11, 0) },
        new(S.Setup, S.Failing) { Since = (11, 0) },
        new(S.Active, S.Failing) { Since = (11, 0) },
        new(S.PreSwitchover, S.Failing) { Since = (11, 0) },
        new(S.Device, S.Failing) { Since = (11, 0) },
        new(S.PostcopyDevice, S.Failing) { Since = (11, 0) },
        new(S.PostcopyActive, S.Failing) { Since = (11, 0) },
        // migrate_cancel shuts the return path down before it says cancelling: the migration may fail by that meanwhile.
        new(S.Failing, S.Failed, S.Cancelling) { Since = (11, 0) },
    ];

    private static readonly Edge[] DestinationEdges =
    [
        new(S.None, S.Setup),
        new(S.Setup, S.Active, S.Failed),
        new(S.Active, S.Completed, S.Failed, S.Colo),
        new(S.Active, S.PostcopyActive) { Until = (10, 1) },
        new(S.Active, S.PostcopyDevice) { Since = (10, 2) },
        new(S.PostcopyDevice, S.PostcopyActive, S.Failed) { Since = (10, 2) },
        new(S.PostcopyActive, S.Completed, S.Failed, S.PostcopyPaused),
        new(S.PostcopyPaused, S.PostcopyRecover),
        // migrate-recover passed through setup once: seen on 7.2, not on 10.0.
        new(S.PostcopyPaused, S.Setup) { Until = (9, 2) },
        new(S.Setup, S.PostcopyRecover) { Until = (9, 2) },
        new(S.PostcopyRecover, S.PostcopyActive, S.PostcopyPaused),
        new(S.Colo, S.Completed),
    ];

    /// <summary>Whether, on the source, a status may follow another.</summary>
    public static bool SourceMayGo(S from, S to, QemuVersion version) => MayGo(SourceEdges, from, to, version);

    /// <summary>Whether, on the destination, a status may follow another.</summary>
    public static bool DestinationMayGo(S from, S to, QemuVersion version) => MayGo(DestinationEdges, from, to, version);

    /// <summary>Whether any QEMU is known to have a status.</summary>
    public static bool IsKnown(S status) => SourceEdges.Concat(DestinationEdges).Any(edge => edge.From == status || edge.To.Contains(status));

    private static bool MayGo(Edge[] edges, S from, S to, QemuVersion version) => edges.Any(edge => edge.From == from && edge.To.Contains(to) && edge.HoldsFor(version));

    /// <summary>From one status to any of several, in the versions from <see cref="Since"/> to <see cref="Until"/>, both included.</summary>
    private sealed record Edge(S From, params S[] To)
    {
        public (int Major, int Minor) Since { get; init; } = (0, 0);

        public (int Major, int Minor) Until { get; init; } = (int.MaxValue, 0);

        public bool HoldsFor(QemuVersion version) => (version.Major, version.Minor).CompareTo(Since) >= 0 && (version.Major, version.Minor).CompareTo(Until) <= 0;
    }
}
