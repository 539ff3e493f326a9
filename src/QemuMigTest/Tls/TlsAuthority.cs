using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace QemuMigTest.Tls;

/// <summary>Makes the keys and certificates of a run, each when it is first asked for, and once. It may be used by many tests at a time.</summary>
/// <remarks>The certificates satisfy the checks of QEMU's tls-creds-x509 (sanity-check): basic constraints, key usage and key purpose are there and critical.</remarks>
/// <param name="time">The clock; null for the machine's.</param>
public sealed class TlsAuthority(TimeProvider? time = null)
{
    private const int PskBytes = 32;
    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";

    // A day back for clocks that disagree; long enough for a run that repeats itself all night.
    private static readonly TimeSpan ValidBefore = TimeSpan.FromDays(1);
    private static readonly TimeSpan ValidFor = TimeSpan.FromDays(30);
    private readonly Lock _making = new();
    private readonly Dictionary<(X509Subject, TlsEndpoint), IssuedCertificate> _issued = [];
    private readonly Dictionary<string, string> _sharedKeys = [];
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private IssuedCertificate? _root;

    /// <summary>The authority's own certificate, with which the others are verified.</summary>
    public IssuedCertificate Root
    {
        get
        {
            lock (_making)
            {
                return _root ??= MakeRoot();
            }
        }
    }

    /// <summary>A certificate for a subject, to be used at one end; the same each time.</summary>
    public IssuedCertificate Issue(X509Subject subject, TlsEndpoint endpoint)
    {
        lock (_making)
        {
            return Once(_issued, (subject, endpoint), _ => MakeLeaf(subject, endpoint));
        }
    }

    /// <summary>The pre-shared key of that name, 32 random bytes in lower-case hexadecimal; the same each time.</summary>
    public string SharedKey(string name)
    {
        lock (_making)
        {
            return Once(_sharedKeys, name, _ => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(PskBytes)));
        }
    }

    private static TValue Once<TKey, TValue>(Dictionary<TKey, TValue> made, TKey key, Func<TKey, TValue> make)
        where TKey : notnull
    {
        if (!made.TryGetValue(key, out var value))
        {
            made.Add(key, value = make(key));
        }

        return value;
    }

    private IssuedCertificate MakeRoot()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=QemuMigTest authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = _time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now - ValidBefore, now + ValidFor);
        return new(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private IssuedCertificate MakeLeaf(X509Subject subject, TlsEndpoint endpoint)
    {
        _root ??= MakeRoot();
        using var root = X509Certificate2.CreateFromPem(_root.Certificate, _root.Key);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject.DistinguishedName, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        // Key encipherment is of no use to such a key; QEMU 10.0 wants it all the same, 7.2 and 11.1 do not.
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(endpoint == TlsEndpoint.Server ? ServerPurpose : ClientPurpose)], critical: true));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        AddNames(request, subject);
        using var certificate = request.Create(root, root.NotBefore, root.NotAfter, Serial());
        return new(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static void AddNames(CertificateRequest request, X509Subject subject)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (subject.DnsName is { } host)
        {
            names.AddDnsName(host);
        }

        if (subject.IPAddress is { } address)
        {
            names.AddIpAddress(IPAddress.Parse(address));
        }

        if ((subject.DnsName ?? subject.IPAddress) is not null)
        {
            request.CertificateExtensions.Add(names.Build());
        }
    }

    // RFC 5280 wants a positive number of at most 20 bytes.
    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(0x40 | (serial[0] & 0x3f));
        return serial;
    }
}
