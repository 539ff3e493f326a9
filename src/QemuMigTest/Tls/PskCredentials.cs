namespace QemuMigTest.Tls;

/// <summary>A key that both sides know (tls-creds-psk, since 3.0).</summary>
/// <param name="KeyName">Which of the run's keys: sides with the same name have the same key.</param>
public sealed record PskCredentials(string KeyName = "shared") : TlsCredentials
{
    // QEMU's own default for a client.
    private const string UserName = "qemu";

    /// <inheritdoc/>
    protected override string ObjectType => "tls-creds-psk";

    /// <inheritdoc/>
    protected override string MoreOfObject(TlsEndpoint endpoint) => endpoint == TlsEndpoint.Client ? $",username={UserName}" : "";

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, string Content)> Files(TlsEndpoint endpoint, TlsAuthority authority) =>
        [("keys.psk", $"{UserName}:{authority.SharedKey(KeyName)}\n")];
}
