using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Rules;

/// <summary>A destination that could not open what it was to listen to or to read can be told another.</summary>
public sealed class RefusedIncomingTests : MigrationFixture
{
    [MigrationTest("/migration/rules/incoming/no-such-folder", "unix:", "Failed to bind socket")]
    public Task A_destination_whose_socket_has_no_folder_listens_elsewhere(string protocol, string reason, CancellationToken ct) => RefusedAsync(protocol, reason, ct);

    [MigrationTest("/migration/rules/incoming/no-such-file", "file:", "Could not open"), RequiresArgument("migrate", "channels", "file")]
    public Task A_destination_whose_file_is_not_there_listens_elsewhere(string protocol, string reason, CancellationToken ct) => RefusedAsync(protocol, reason, ct);

    private async Task RefusedAsync(string protocol, string reason, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, Convergence = Convergence.Allowed }, ct);
        var uri = protocol + Path.Combine(pair.Scratch.File("no-such-folder"), "it");
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.Destination.ExecuteAsync("migrate-incoming", new() { ["uri"] = uri }, ct), $"migrate-incoming {uri}");
        refusal.Description.ShouldContain(reason);
        var status = (await pair.Destination.QueryMigrateAsync(ct)).Status;
        if (Quirks.RefusedIncomingStaysInSetup(Environment.Destination.Version))
        {
            status.ShouldBe(MigrationStatus.Setup, "query-migrate of the destination; else the fault is mended: docs/findings.md");
            NoteFault("a destination that could not open what it was told stays in setup, and can be told nothing else");
            await pair.StartAnotherDestinationAsync(ct);
        }
        else
        {
            status.ShouldBeOneOf(MigrationStatus.None, MigrationStatus.Failed);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }
}
