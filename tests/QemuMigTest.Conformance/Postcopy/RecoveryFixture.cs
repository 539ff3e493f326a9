using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Postcopy;

/// <summary>The steps that recoveries of postcopy have in common.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public abstract class RecoveryFixture : MigrationFixture
{
    private const int SlowestPostcopy = 4096;

    /// <summary>Moves the guest and breaks the channel while most of its memory is still to come; both sides have noticed.</summary>
    /// <param name="special">What is special in the pair, besides postcopy.</param>
    /// <param name="ct">Ends it.</param>
    protected async Task<MigrationRun> LoseChannelAsync(PairOptions special, CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(special, ct);
        await migration.PauseAsync(ct);
        return migration;
    }

    /// <summary>Moves the guest, and most of its memory is still to come.</summary>
    /// <param name="special">What is special in the pair, besides postcopy.</param>
    /// <param name="ct">Ends it.</param>
    protected async Task<MigrationRun> StartPostcopyAsync(PairOptions special, CancellationToken ct)
    {
        var pair = await StartPairAsync(special with { Capabilities = [.. special.Capabilities, MigrationCapability.PostcopyRam, MigrationCapability.PostcopyBlocktime] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        return migration;
    }

    /// <summary>Goes on over a Unix socket, at full speed, to the end.</summary>
    protected static async Task RecoverAsync(MigrationRun migration, CancellationToken ct)
    {
        await migration.RecoverAsync(MigrationChannel.Unix, ct);
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
    }
}
