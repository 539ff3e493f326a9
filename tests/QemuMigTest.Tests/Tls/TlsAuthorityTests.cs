using System.Security.Cryptography.X509Certificates;
using NUnit.Framework;
using QemuMigTest.Tls;
using Shouldly;

namespace QemuMigTest.Tests.Tls;

public sealed class TlsAuthorityTests
{
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";
    private static readonly X509Subject Server = new("server") { IPAddress = "127.0.0.1" };
    private readonly TlsAuthority _authority = new();

    [Test]
    public void A_certificate_is_verified_by_its_authority_and_by_no_other()
    {
        using var leaf = Read(_authority.Issue(Server, TlsEndpoint.Server));

        IsTrusted(leaf, _authority).ShouldBeTrue();
        IsTrusted(leaf, new TlsAuthority()).ShouldBeFalse();
    }

    [Test]
    public void A_certificate_names_its_subject()
    {
        using var byAddress = Read(_authority.Issue(Server, TlsEndpoint.Server));
        using var byName = Read(_authority.Issue(new("named") { DnsName = "destination.example" }, TlsEndpoint.Server));

        byAddress.Subject.ShouldBe("CN=server");
        byAddress.MatchesHostname("127.0.0.1").ShouldBeTrue();
        byAddress.MatchesHostname("10.0.0.1").ShouldBeFalse();
        byName.MatchesHostname("destination.example", allowCommonName: false).ShouldBeTrue();
        byName.MatchesHostname("127.0.0.1").ShouldBeFalse();
    }

    [TestCase(TlsEndpoint.Server, ServerPurpose)]
    [TestCase(TlsEndpoint.Client, ClientPurpose)]
    public void A_certificate_is_for_one_end_and_says_so_in_the_way_that_QEMU_checks(TlsEndpoint endpoint, string purpose)
    {
        using var leaf = Read(_authority.Issue(Server, endpoint));

        leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<System.Security.Cryptography.Oid>().Select(oid => oid.Value).ShouldBe([purpose]);
        leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeFalse();
        leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages.ShouldBe(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment);
    }

    [Test]
    public void The_authority_may_sign_certificates()
    {
        using var root = Read(_authority.Root);

        root.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority.ShouldBeTrue();
        root.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages.ShouldBe(X509KeyUsageFlags.KeyCertSign);
    }

    [Test]
    public void Validity_has_room_on_both_sides_of_now()
    {
        var time = new FixedTime(new DateTimeOffset(2031, 5, 17, 12, 0, 0, TimeSpan.Zero));
        using var leaf = Read(new TlsAuthority(time).Issue(Server, TlsEndpoint.Server));

        leaf.NotBefore.ToUniversalTime().ShouldBe(new DateTime(2031, 5, 16, 12, 0, 0, DateTimeKind.Utc));
        leaf.NotAfter.ToUniversalTime().ShouldBe(new DateTime(2031, 6, 16, 12, 0, 0, DateTimeKind.Utc));
    }

    [Test]
    public async Task Each_thing_is_made_once_whoever_asks()
    {
        var issued = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _authority.Issue(new("server") { IPAddress = "127.0.0.1" }, TlsEndpoint.Server))));

        issued.ShouldAllBe(one => ReferenceEquals(one, issued[0]));
        _authority.Issue(Server, TlsEndpoint.Client).ShouldNotBe(issued[0]);
    }

    [Test]
    public void A_shared_key_is_32_bytes_and_one_for_each_name()
    {
        _authority.SharedKey("one").ShouldMatch("^[0-9a-f]{64}$");
        _authority.SharedKey("one").ShouldBe(_authority.SharedKey("one"));
        _authority.SharedKey("one").ShouldNotBe(_authority.SharedKey("another"));
    }

    private static X509Certificate2 Read(IssuedCertificate issued) => X509Certificate2.CreateFromPem(issued.Certificate, issued.Key);

    private static bool IsTrusted(X509Certificate2 leaf, TlsAuthority authority)
    {
        using var root = X509Certificate2.CreateFromPem(authority.Root.Certificate);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(leaf);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
