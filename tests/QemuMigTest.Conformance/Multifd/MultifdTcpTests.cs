using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Multifd;

[RequiresCapability("multifd")]
public sealed class MultifdTcpTests : MigrationFixture
{
    [MigrationTest("/migration/multifd/tcp/uri/plain/none")]
    public async Task A_running_guest_moves_over_four_channels(CancellationToken ct)
    {
        var pair = await StartPairAsync(Channels(4), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/multifd/tcp/plain/cancel")]
    public async Task A_source_that_was_cancelled_migrates_to_another_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(Channels(16), ct);
        var cancelled = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await cancelled.WaitForSentPageDirtiedAsync(ct);
        await cancelled.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static PairOptions Channels(int count) => new()
    {
        Capabilities = [MigrationCapability.Multifd],
        Parameters = new JsonObject { ["multifd-channels"] = count, ["multifd-compression"] = "none" },
    };
}
