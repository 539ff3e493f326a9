using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>Certificates: the source checks the destination's for the host, the destination checks the source's and who it is.</summary>
public sealed class X509Tests : TlsFixture
{
    private const string Loopback = "127.0.0.1";
    private const string HostName = "destination.example";
    private static readonly X509Subject Friendly = new("friendly client");
    private static readonly X509Subject Hostile = new("hostile client");
    private static readonly X509Subject ServerAtLoopback = new("server") { IPAddress = Loopback };
    private static readonly X509Subject ServerElsewhere = new("server") { IPAddress = "10.0.0.1" };
    private static readonly X509Subject ServerByName = new("server") { DnsName = HostName };

    [MigrationTest("/migration/precopy/tcp/tls/x509/default-host", "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/default-host", "multifd")]
    public async Task The_certificate_is_for_the_host_of_the_URI([Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Friendly), new X509Credentials(ServerAtLoopback)), TlsTransport.Tcp, capabilities, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/override-host", TlsTransport.Tcp, "")]
    [MigrationTest("/migration/precopy/unix/tls/x509/override-host", TlsTransport.Unix, "")]
    [MigrationTest("/migration/precopy/fd/tls/x509/override-host", TlsTransport.Descriptor, "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/override-host", TlsTransport.Tcp, "multifd")]
    public async Task The_certificate_is_for_the_host_that_the_source_was_told(TlsTransport transport, [Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Friendly) { Hostname = HostName }, new X509Credentials(ServerByName)), transport, capabilities, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/no-hostname", null)]
    [MigrationTest("/migration/precopy/tcp/tls/no-hostname/empty", "")]
    public async Task The_certificate_is_for_the_host_of_the_URI_again_once_the_source_is_told_of_no_other(string? none, CancellationToken ct)
    {
        var pair = await StartPairAsync(new(new X509Credentials(Friendly) { Hostname = HostName }, new X509Credentials(ServerAtLoopback)), "", ct);
        await pair.Source.UnsetParameterAsync("tls-hostname", none, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        await SeeAnotherHostRejectedAsync(none, ct);
    }

    // And none is not any: upstream proves this half.
    private async Task SeeAnotherHostRejectedAsync(string? none, CancellationToken ct)
    {
        var pair = await StartPairAsync(new(new X509Credentials(Friendly) { Hostname = HostName }, new X509Credentials(ServerByName)), "", ct);
        await pair.Source.UnsetParameterAsync("tls-hostname", none, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.FailAsync(TlsTexts.OtherHost(Loopback), AfterRejection(""), ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/mismatch-host", "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/mismatch-host", "multifd")]
    public async Task A_source_rejects_a_certificate_for_another_host([Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Friendly), new X509Credentials(ServerElsewhere)), TlsTransport.Tcp, capabilities, ct);
        await migration.FailAsync(TlsTexts.OtherHost(Loopback), AfterRejection(capabilities), ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/host-of-each", "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/host-of-each", "multifd")]
    public async Task The_host_is_that_of_the_last_URI([Capabilities] string capabilities, CancellationToken ct)
    {
        const string Localhost = "localhost";
        var pair = await StartPairAsync(new(new X509Credentials(Friendly), new X509Credentials(ServerAtLoopback)), capabilities, ct);
        var failed = await pair.MigrateAsync(new NamedHostChannel(Localhost), ct);
        await failed.FailAsync(TlsTexts.OtherHost(Localhost), AfterRejection(capabilities), ct);
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/unix/tls/x509/default-host", TlsTransport.Unix)]
    [MigrationTest("/migration/precopy/fd/tls/x509/default-host", TlsTransport.Descriptor)]
    public async Task A_source_that_knows_of_no_host_rejects_any_certificate(TlsTransport transport, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Friendly), new X509Credentials(ServerAtLoopback)), transport, "", ct);
        await migration.FailAsync(TlsTexts.NoHost, AfterRejection(""), ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/friendly-client")]
    public async Task A_source_that_is_let_in_by_its_name_moves_its_guest(CancellationToken ct)
    {
        var migration = await MigrateAsync(LettingInOnlyTheFriendly(Friendly), TlsTransport.Tcp, "", ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/hostile-client")]
    public async Task A_source_of_another_name_is_rejected(CancellationToken ct)
    {
        var migration = await MigrateAsync(LettingInOnlyTheFriendly(Hostile), TlsTransport.Tcp, "", ct);
        await migration.FailAsync(TlsTexts.LostConnection, DestinationEnd.Rejects(TlsTexts.Denied(Hostile.DistinguishedName)), ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/allow-anon-client", "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/allow-anon-client", "multifd")]
    public async Task A_source_without_a_certificate_is_let_in_where_none_is_asked_for([Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Subject: null), new X509Credentials(ServerAtLoopback, VerifiesPeer: false)), TlsTransport.Tcp, capabilities, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/precopy/tcp/tls/x509/reject-anon-client", "")]
    [MigrationTest("/migration/multifd/tcp/tls/x509/reject-anon-client", "multifd")]
    public async Task A_source_without_a_certificate_is_rejected([Capabilities] string capabilities, CancellationToken ct)
    {
        var migration = await MigrateAsync(new(new X509Credentials(Subject: null), new X509Credentials(ServerAtLoopback)), TlsTransport.Tcp, capabilities, ct);
        await migration.FailAsync(TlsTexts.LostConnection, DestinationEnd.Rejects(TlsTexts.NoCertificate), ct);
        if (capabilities.Length > 0 && Quirks.RefusedMultifdMayHang(Environment.Source.Version))
        {
            migration.Pair.AllowResidue(migration.Source);
        }
    }

    // The source looks at the certificate when the destination has let it in: that is left with a stream that ends at once,
    // but for multifd, where it waits for the other channels before it reads.
    private static DestinationEnd AfterRejection(string capabilities) => capabilities.Length > 0 ? DestinationEnd.Stays : DestinationEnd.Exits(TlsTexts.NoStream);

    private static TlsSettings LettingInOnlyTheFriendly(X509Subject client) =>
        new(new X509Credentials(client), new X509Credentials(ServerAtLoopback) { AllowedIdentity = Friendly.DistinguishedName });
}
