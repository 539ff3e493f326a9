using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

public sealed class PskTests : TlsFixture
{
    [MigrationTest("/migration/precopy/tcp/tls/psk/match", TlsTransport.Tcp, "")]
    [MigrationTest("/migration/precopy/unix/tls/psk", TlsTransport.Unix, "")]
    [MigrationTest("/migration/multifd/tcp/tls/psk/match", TlsTransport.Tcp, "multifd")]
    public async Task A_guest_moves_between_sides_that_have_one_key(TlsTransport transport, [Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(TlsSettings.Psk, transport, capabilities, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/psk/mismatch", "")]
    [MigrationTest("/migration/multifd/tcp/tls/psk/mismatch", "multifd")]
    public async Task A_destination_that_has_another_key_rejects_the_source([Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new PskCredentials("one"), new PskCredentials("another")), TlsTransport.Tcp, capabilities, ct);
        await migration.FailAsync(TlsTexts.HandshakeFailed, DestinationEnd.Rejects(TlsTexts.OtherKey), ct);
    }
}
