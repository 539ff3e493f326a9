using System.Buffers.Binary;

namespace QemuMigTest.Conformance.State;

/// <summary>An HPET that was stopped: its counter holds what it was given, and is not worked out from a clock.</summary>
public sealed class HpetTests : MigrationFixture
{
    private const ulong Configuration = 0xfed0_0010;
    private const ulong Counter = 0xfed0_00f0;
    private const ulong Given = 0x0123_4567_89ab_cdef;

    [MigrationTest("/migration/state/hpet-stopped")]
    public async Task A_counter_that_stands_still_is_on_both_sides_what_it_was(CancellationToken ct)
    {
        var pair = await StartWithoutHpetAsync([], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        Check(pair.Destination);
        Check(pair.Source);
    }

    [MigrationTest("/migration/state/hpet-stopped/cancelled"), RequiresCapability("pause-before-switchover")]
    public async Task It_is_what_it_was_when_a_migration_is_cancelled_with_the_guest_stopped(CancellationToken ct)
    {
        var pair = await StartWithoutHpetAsync([MigrationCapability.PauseBeforeSwitchover], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        Check(pair.Source);
    }

    private async Task<MigrationPair> StartWithoutHpetAsync(IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { HpetStopped = true, SourceCapabilities = capabilities, Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var qtest = pair.Source.Process.QTest!;
        var given = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(given, Given);
        // Its registers are written in halves, and the counter only while it stands still.
        qtest.Write(Configuration, new byte[4]);
        qtest.Write(Counter, given.AsSpan(0, 4));
        qtest.Write(Counter + 4, given.AsSpan(4));
        Check(pair.Source);
        return pair;
    }

    private static void Check(MigrationSide side)
    {
        var qtest = side.Process.QTest!;
        (BinaryPrimitives.ReadUInt32LittleEndian(qtest.Read(Configuration, 4)) & 1).ShouldBe(0u, $"{side.Name}: the HPET was stopped");
        qtest.ReadUInt64(Counter).ShouldBe(Given, $"{side.Name}: the counter of an HPET that was stopped, 0x{Given:x}");
    }
}
