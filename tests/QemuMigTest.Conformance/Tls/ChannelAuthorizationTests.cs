using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Conformance.Tls;

/// <summary>A migration has more channels than one, and who may come in is asked at each of them.</summary>
public sealed class ChannelAuthorizationTests : TlsFixture
{
    private const string Server = "server";
    private static readonly X509Subject Friendly = new("friendly client");
    private static readonly X509Subject Hostile = new("hostile client");

    [MigrationTest("/migration/promises/tls-authz/multifd", "multifd")]
    [MigrationTest("/migration/promises/tls-authz/preempt", "postcopy-ram postcopy-preempt")]
    public async Task A_channel_that_another_opens_than_the_one_that_may_is_rejected_and_the_migration_goes_on([Capabilities] string capabilities, CancellationToken ct)
    {
        var server = new X509Credentials(new X509Subject(Server) { IPAddress = $"{IPAddress.Loopback}" }) { AllowedIdentity = Friendly.DistinguishedName };
        var pair = await StartPairAsync(new(new X509Credentials(Friendly), server), capabilities, ct);
        var proxy = new ProxyChannel { HoldsSecondConnection = true };
        var migration = await pair.MigrateAsync(proxy, ct);
        // The first is the main channel's; the destination waits for another.
        await proxy.WaitForBytesAsync(1, Environment.Limits.Step, ct);
        await SeeRejectedAsync(pair, Hostile, ct);
        proxy.LetConnect();
        await migration.CompleteAsync(ct);
    }

    private async Task SeeRejectedAsync(MigrationPair pair, X509Subject subject, CancellationToken ct)
    {
        var address = (await pair.Destination.QueryMigrateAsync(ct)).SocketAddresses.ShouldHaveSingleItem();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, int.Parse(address.GetProperty("port").GetString()!, CultureInfo.InvariantCulture), ct);
        var (authority, issued) = (Environment.Tls, Environment.Tls.Issue(subject, TlsEndpoint.Client));
        using var root = X509Certificate2.CreateFromPem(authority.Root.Certificate);
        using var certificate = X509Certificate2.CreateFromPem(issued.Certificate, issued.Key);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new()
        {
            TargetHost = $"{IPAddress.Loopback}",
            ClientCertificates = [certificate],
            CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck },
        }, ct);
        // In TLS 1.3 a client takes itself for let in before the server has looked at its certificate.
        var denied = TlsTexts.Denied(subject.DistinguishedName);
        await Poll.UntilAsync(pair.Destination.Name, $"“{denied}”, for that client has connected", _ => Task.FromResult(pair.Destination.Process.Stderr.Contains(denied, StringComparison.Ordinal) ? this : null),
            () => pair.Destination.Process.Stderr, Environment.Limits.Command, ct);
    }
}
