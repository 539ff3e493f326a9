using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance.Tls;

/// <summary>What QEMU and GnuTLS say of a connection that was refused; the same on 7.2, 10.0 and 11.1 where no version is named.</summary>
internal static class TlsTexts
{
    /// <summary>The source was turned away before it knew the destination: it sees a lost connection, in various words behind these.</summary>
    public const string HandshakeFailed = "TLS handshake failed";

    /// <summary>The destination could not verify that the source has its key.</summary>
    public const string OtherKey = "TLS handshake failed: An illegal parameter has been received";

    /// <summary>The destination got the start of a migration stream where TLS should begin.</summary>
    public const string NoTls = "TLS handshake failed: An unexpected TLS packet was received";

    /// <summary>The source's certificate check: no host is known.</summary>
    public const string NoHost = "No hostname for certificate validation";

    /// <summary>The destination wants a certificate, and the source has none.</summary>
    public const string NoCertificate = "Verify failed: No certificate was found";

    /// <summary>The destination's stream ended before it began.</summary>
    public const string NoStream = "load of migration failed";

    /// <summary>The source was turned away when it took itself for let in (in TLS 1.3 a client is done first): what fails is whatever it does next.
    /// Seen: the socket's text on 10.0, TLS channel on 7.2, TLS output on 11.1.</summary>
    public static IReadOnlyList<string> LostConnection => ["Unable to write to socket", "Unable to read from socket", "Cannot write to TLS channel", "Cannot read from TLS channel", "Cannot uncork TLS output"];

    /// <summary>The source's certificate check: the certificate is for another host.</summary>
    public static string OtherHost(string host) => $"Certificate does not match the hostname {host}";

    /// <summary>The destination lets in somebody else.</summary>
    public static string Denied(string identity) => $"TLS x509 authz check for {identity} is denied";

    /// <summary>A destination without TLS got the start of TLS: 369295617 is 0x16030101, a handshake record.</summary>
    public static string TlsInstead(QemuVersion version) => version.IsAtLeast(10, 1) ? "unknown channel magic: 369295617" : "Not a migration stream";
}
