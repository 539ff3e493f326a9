using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Rules;

[RequiresCapability("validate-uuid")]
public sealed class ValidateUuidTests : MigrationFixture
{
    private const string Ones = "11111111-1111-1111-1111-111111111111";
    private const string Twos = "22222222-2222-2222-2222-222222222222";

    [MigrationTest("/migration/validate_uuid")]
    public Task Equal_UUIDs_are_accepted(CancellationToken ct) => AcceptedAsync(Ones, Ones, ct);

    [MigrationTest("/migration/validate_uuid_src_not_set")]
    public Task A_source_without_UUID_is_accepted(CancellationToken ct) => AcceptedAsync(null, Twos, ct);

    [MigrationTest("/migration/validate_uuid_dst_not_set")]
    public Task A_destination_without_UUID_is_accepted(CancellationToken ct) => AcceptedAsync(Ones, null, ct);

    [MigrationTest("/migration/validate_uuid_error", Twos)]
    [MigrationTest("/migration/rules/uuid/first-digit", "21111111-1111-1111-1111-111111111111")]
    [MigrationTest("/migration/rules/uuid/last-digit", "11111111-1111-1111-1111-111111111112")]
    public async Task Another_UUID_is_refused_by_the_destination(string other, CancellationToken ct)
    {
        var migration = await MigrateAsync(Ones, other, ct);
        await migration.FailAsync("", DestinationEnd.Exits($"UUID received is {Ones} and local is {other}"), ct);
    }

    // Each channel brings the UUID, whether it is to be validated or not.
    [MigrationTest("/migration/rules/uuid/multifd"), RequiresCapability("multifd")]
    public async Task A_channel_of_another_UUID_is_refused_by_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.Multifd],
            SourceArguments = Uuid(Ones),
            DestinationArguments = Uuid(Twos),
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        if (Quirks.RefusedMultifdMayHang(Environment.Source.Version))
        {
            pair.AllowResidue(pair.Source);
        }

        var error = $"received uuid '{Ones}' and expected uuid '{Twos}'";
        await migration.FailAsync("", Quirks.RefusedChannelLeavesDestination(Environment.Destination.Version) ? DestinationEnd.Rejects(error) : DestinationEnd.Exits(error), ct);
    }

    private async Task AcceptedAsync(string? source, string? destination, CancellationToken ct)
    {
        var migration = await MigrateAsync(source, destination, ct);
        await migration.CompleteAsync(ct);
    }

    private async Task<MigrationRun> MigrateAsync(string? source, string? destination, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            SourceCapabilities = [MigrationCapability.ValidateUuid],
            SourceArguments = Uuid(source),
            DestinationArguments = Uuid(destination),
        }, ct);
        return await pair.MigrateAsync(MigrationChannel.Unix, ct);
    }

    private static QemuCommandLine Uuid(string? uuid) => uuid is null ? new() : new QemuCommandLine().With("-uuid", uuid);
}
