using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Leaks;

/// <summary>A postcopy that is paused and recovered 20 times: both sides' descriptors and threads, and the source's memory, stay as they were.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class RepeatedRecoveryTests : LeakFixture
{
    private const int SlowestPostcopy = 4096;

    // Not with postcopy-preempt: the destination may crash (docs/findings.md).
    [MigrationTest("/migration/leaks/recovery/plain")]
    public async Task Recoveries_leave_nothing(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [MigrationCapability.PostcopyRam] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await migration.PauseAsync(ct);
        // The destination's memory grows as pages come.
        await RepeatAsync(pair, async _ =>
        {
            await migration.RecoverAsync(MigrationChannel.Tcp, ct);
            await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
            await migration.PauseAsync(ct);
        }, ct, also: pair.Destination);
        await migration.RecoverAsync(MigrationChannel.Unix, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
