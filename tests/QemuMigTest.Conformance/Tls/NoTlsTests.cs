using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>One side without TLS, or both: what was set can be unset, and a side that wants TLS takes nothing else.</summary>
public sealed class NoTlsTests : TlsFixture
{
    private const string Credentials = "tls-creds";

    [MigrationTest("/migration/precopy/tcp/no-tls")]
    public async Task Credentials_that_were_unset_are_not_used(CancellationToken ct)
    {
        // Two keys: with TLS it would fail.
        var pair = await StartPairAsync(new(new PskCredentials("one"), new PskCredentials("another")), "", ct);
        await pair.Source.UnsetParameterAsync(Credentials, null, ct);
        await pair.Destination.UnsetParameterAsync(Credentials, "", ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/no-tls/source")]
    public async Task A_destination_with_TLS_rejects_a_source_without(CancellationToken ct)
    {
        var migration = await MigrateAsync(TlsSettings.Psk with { Source = null }, TlsTransport.Tcp, "", ct);
        await migration.FailAsync(TlsTexts.LostConnection, DestinationEnd.Rejects(TlsTexts.NoTls), ct);
    }

    [MigrationTest("/migration/precopy/tcp/no-tls/destination")]
    public async Task A_destination_without_TLS_knows_no_stream_of_a_source_with(CancellationToken ct)
    {
        var migration = await MigrateAsync(TlsSettings.Psk with { Destination = null }, TlsTransport.Tcp, "", ct);
        await migration.FailAsync(TlsTexts.HandshakeFailed, DestinationEnd.Exits(TlsTexts.TlsInstead(Environment.Destination.Version)), ct);
    }
}
