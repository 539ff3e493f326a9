using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Multifd;

[RequiresCapability("multifd")]
public sealed class MultifdTcpTests : MigrationFixture
{
    private const int ManyChannels = 16;

    [MigrationTest("/migration/multifd/tcp/uri/plain/none")]
    public Task A_running_guest_moves_over_four_channels(CancellationToken ct) => MoveAsync(MigrationChannel.Tcp, [], ct);

    [MigrationTest("/migration/multifd/tcp/channels/plain/none"), RequiresArgument("migrate", "channels")]
    public Task A_running_guest_moves_when_the_address_is_given_as_a_channel(CancellationToken ct) => MoveAsync(MigrationChannel.TcpByAddress, [], ct);

    [MigrationTest("/migration/multifd/tcp/plain/zero-page/legacy"), RequiresArgument("migrate-set-parameters", "zero-page-detection", "legacy")]
    public Task Zero_pages_are_found_by_the_migration_thread(CancellationToken ct) => MoveAsync(MigrationChannel.Tcp, new() { ["zero-page-detection"] = "legacy" }, ct);

    [MigrationTest("/migration/multifd/tcp/plain/zero-page/none"), RequiresArgument("migrate-set-parameters", "zero-page-detection", "none")]
    public async Task Zero_pages_are_sent_like_any_other(CancellationToken ct)
    {
        var migration = await MoveAsync(MigrationChannel.Tcp, new() { ["zero-page-detection"] = "none" }, ct);
        migration.Result!.RamDuplicate.ShouldBe(0, "zero-page-detection is none, so no page may be counted as a zero page");
    }

    [MigrationTest("/migration/multifd/tcp/plain/cancel")]
    public Task A_source_that_was_cancelled_migrates_to_another_destination(CancellationToken ct) =>
        MoveAfterCancelAsync([MigrationCapability.Multifd], ct);

    [MigrationTest("/migration/multifd+postcopy/tcp/plain/cancel"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd, RequiresVersion(8, 0, Quirks.MultifdPostcopyAborts)]
    public async Task A_source_that_was_cancelled_with_postcopy_enabled_migrates_to_another_destination(CancellationToken ct)
    {
        if (await MultifdPostcopy.IsRefusedAsync(Environment, StartPairAsync, ct) is { } refusal)
        {
            NoteRefusal(refusal);
            return;
        }

        await MoveAfterCancelAsync([MigrationCapability.Multifd, MigrationCapability.PostcopyRam], ct);
    }

    private async Task<MigrationRun> MoveAsync(MigrationChannel channel, JsonObject sourceParameters, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options([MigrationCapability.Multifd], 4) with { SourceParameters = sourceParameters }, ct);
        var migration = await pair.MigrateAsync(channel, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        return migration;
    }

    private async Task MoveAfterCancelAsync(IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options(capabilities, ManyChannels), ct);
        var cancelled = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await cancelled.WaitForSentPageDirtiedAsync(ct);
        await cancelled.CancelAsync(DestinationEnd.Exits(), ct);

        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static PairOptions Options(IReadOnlyList<MigrationCapability> capabilities, int channels) => new()
    {
        Capabilities = capabilities,
        Parameters = new JsonObject { ["multifd-channels"] = channels, ["multifd-compression"] = "none" },
    };
}
