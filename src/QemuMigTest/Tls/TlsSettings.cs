namespace QemuMigTest.Tls;

/// <summary>The credentials of a pair.</summary>
/// <param name="Source">The source's, which is the client; null for a source without TLS.</param>
/// <param name="Destination">The destination's, which is the server; null for a destination without TLS.</param>
public sealed record TlsSettings(TlsCredentials? Source, TlsCredentials? Destination)
{
    /// <summary>Both sides have one key.</summary>
    public static TlsSettings Psk => new(new PskCredentials(), new PskCredentials());
}
