namespace QemuMigTest.Tls;

/// <summary>Which end of a TLS connection (QAPI QCryptoTLSCredsEndpoint).</summary>
public enum TlsEndpoint
{
    /// <summary>It connects: a migration's source.</summary>
    Client,

    /// <summary>It is connected to: a migration's destination.</summary>
    Server,
}
