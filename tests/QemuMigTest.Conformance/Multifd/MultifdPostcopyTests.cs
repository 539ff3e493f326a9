using System.Text.Json.Nodes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Multifd;

[RequiresCapability("multifd"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd, RequiresVersion(8, 0, Quirks.MultifdPostcopyAborts)]
public sealed class MultifdPostcopyTests : MigrationFixture
{
    private const string Channels = "multifd-channels";

    [MigrationTest("/migration/multifd+postcopy/plain")]
    public Task The_guest_runs_on_the_destination_while_its_memory_follows(CancellationToken ct) => PostcopyAsync([], ct);

    [MigrationTest("/migration/multifd+postcopy/preempt/plain"), RequiresCapability("postcopy-preempt")]
    public Task Pages_that_the_guest_waits_for_come_over_a_channel_of_their_own(CancellationToken ct) => PostcopyAsync([MigrationCapability.PostcopyPreempt], ct);

    [MigrationTest("/migration/multifd+postcopy/tcp/plain/zstd"), RequiresArgument("migrate-set-parameters", "multifd-compression", "zstd")]
    public async Task A_guest_moves_compressed_with_postcopy_enabled_but_not_used(CancellationToken ct)
    {
        if (await RefusedAsync(ct))
        {
            return;
        }

        var pair = await StartPairAsync(Options([]) with
        {
            Convergence = Convergence.Allowed,
            Parameters = new JsonObject { [Channels] = 4, ["multifd-compression"] = "zstd", ["multifd-zstd-level"] = 2 },
        }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/multifd+postcopy/tcp/tls/psk/match"), RequiresTls]
    public async Task A_guest_moves_over_TLS_with_postcopy_enabled_but_not_used(CancellationToken ct)
    {
        if (await RefusedAsync(ct))
        {
            return;
        }

        var pair = await StartPairAsync(Options([]) with { Convergence = Convergence.Allowed, Tls = TlsSettings.Psk }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    private async Task PostcopyAsync(IReadOnlyList<MigrationCapability> capabilities, CancellationToken ct)
    {
        if (await RefusedAsync(ct))
        {
            return;
        }

        var pair = await StartPairAsync(Options(capabilities), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private async Task<bool> RefusedAsync(CancellationToken ct)
    {
        if (await MultifdPostcopy.IsRefusedAsync(Environment, StartPairAsync, ct) is not { } refusal)
        {
            return false;
        }

        NoteRefusal(refusal);
        return true;
    }

    private static PairOptions Options(IReadOnlyList<MigrationCapability> more) => new()
    {
        Capabilities = [MigrationCapability.Multifd, MigrationCapability.PostcopyRam, MigrationCapability.PostcopyBlocktime, .. more],
        Parameters = new JsonObject { [Channels] = 4 },
    };
}
