namespace QemuMigTest.Migration;

// What a released QEMU is known to leave behind.
public sealed partial class MigrationPair
{
    private readonly List<(MigrationSide Side, string Kind)> _knownResidue = [];
    private readonly List<MigrationSide> _mayKeep = [];

    /// <summary>Says that this side's QEMU is known to keep a descriptor that it should have closed. The oracles then want it there: the day it is mended is noticed.</summary>
    /// <param name="side">The side.</param>
    /// <param name="kind">What the descriptor is of: its path's end, or a kind as <see cref="Processes.ProcessResources.Descriptors"/> has it.</param>
    public void ExpectResidue(MigrationSide side, string kind) => _knownResidue.Add((side, kind));

    /// <summary>Says that this side's QEMU is known to hang, now and then, in the end of a migration, and then keeps what that had opened and started: it is not looked for.</summary>
    public void AllowResidue(MigrationSide side) => _mayKeep.Add(side);

    /// <summary>Whether the pages that a side's guest writes to are tracked for a migration now, by QEMU's trace of it (<see cref="MigrationSide.DirtyTrackingEvent"/>).</summary>
    public async Task<bool> TracksDirtyPagesAsync(MigrationSide side, CancellationToken ct) => (await Oracles.DirtyTrackingOracle.MaskAsync(this, side, ct)) != 0;

    internal bool MayKeep(MigrationSide side) => _mayKeep.Contains(side);

    internal IEnumerable<string> KnownResidueOf(MigrationSide side) => _knownResidue.Where(known => known.Side == side).Select(known => known.Kind);

    /// <summary>All that a side tracks dirty pages for, as QEMU's trace event global_dirty_changed has it (GLOBAL_DIRTY_MIGRATION, _DIRTY_RATE, _LIMIT: 1, 2, 4); 0 for nothing.</summary>
    public Task<uint> DirtyTrackingAsync(MigrationSide side, CancellationToken ct) => Oracles.DirtyTrackingOracle.AllAsync(this, side, ct);
}
