namespace QemuMigTest.Tls;

/// <summary>Whom a certificate is for.</summary>
/// <param name="CommonName">Its distinguished name is <c>CN=</c> and this; no comma, plus sign or equals sign.</param>
public sealed record X509Subject(string CommonName)
{
    /// <summary>The host name for which it is valid (a subject alternative name), or null.</summary>
    public string? DnsName { get; init; }

    /// <summary>The IP address for which it is valid (a subject alternative name), or null.</summary>
    public string? IPAddress { get; init; }

    /// <summary>The distinguished name, as GnuTLS writes it.</summary>
    public string DistinguishedName => $"CN={CommonName}";
}
