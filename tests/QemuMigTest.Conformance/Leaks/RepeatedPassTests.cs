using QemuMigTest.Conformance.Memory;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>A migration that makes pass after pass over a guest's RAM: neither side's memory grows with them.</summary>
public sealed class RepeatedPassTests : LeakFixture
{
    // By then every buffer is there.
    private const int FirstPass = 3;
    private const int LastPass = 8;

    [MigrationTest("/migration/leaks/passes/plain", "")]
    [MigrationTest("/migration/leaks/passes/multifd", "multifd")]
    [MigrationTest("/migration/leaks/passes/xbzrle", "xbzrle")]
    public async Task Passes_leave_nothing([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), SourceParameters = XbzrleCache.For(capabilities), Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.HoldXbzrleAsync(ct);
        var memory = new[] { new FlatMemory(pair.Source.Process, GrowthAtRest), new FlatMemory(pair.Destination.Process, GrowthAtRest) };
        for (var pass = FirstPass; pass <= LastPass; pass++)
        {
            await migration.WaitForPassAsync(pass, ct);
            Array.ForEach(memory, side => side.Note());
        }

        Array.ForEach(memory, side => side.ShouldBeFlat());
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
