namespace QemuMigTest.Tls;

/// <summary>A certificate and its private key.</summary>
/// <param name="Certificate">The certificate, PEM.</param>
/// <param name="Key">The key, PKCS #8 in PEM.</param>
public sealed record IssuedCertificate(string Certificate, string Key);
