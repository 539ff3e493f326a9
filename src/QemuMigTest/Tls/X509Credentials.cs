namespace QemuMigTest.Tls;

/// <summary>A certificate of the run's authority, or none (tls-creds-x509, since 2.5).</summary>
/// <param name="Subject">Whom the certificate is for, or null for a client that has none.</param>
/// <param name="VerifiesPeer">Whether the other side must have a certificate of the authority, and a server one for its host.</param>
public sealed record X509Credentials(X509Subject? Subject, bool VerifiesPeer = true) : TlsCredentials
{
    /// <inheritdoc/>
    protected override string ObjectType => "tls-creds-x509";

    /// <inheritdoc/>
    protected override string MoreOfObject(TlsEndpoint endpoint) => $",sanity-check=on,verify-peer={(VerifiesPeer ? "on" : "off")}";

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, string Content)> Files(TlsEndpoint endpoint, TlsAuthority authority)
    {
        yield return ("ca-cert.pem", authority.Root.Certificate);
        if (Subject is null)
        {
            yield break;
        }

        var issued = authority.Issue(Subject, endpoint);
        var side = endpoint == TlsEndpoint.Server ? "server" : "client";
        yield return ($"{side}-cert.pem", issued.Certificate);
        yield return ($"{side}-key.pem", issued.Key);
    }
}
