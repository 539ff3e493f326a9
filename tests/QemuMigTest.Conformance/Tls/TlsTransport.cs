namespace QemuMigTest.Conformance.Tls;

/// <summary>What TLS runs over.</summary>
public enum TlsTransport
{
    /// <summary>TCP to 127.0.0.1: the host for which a certificate is checked.</summary>
    Tcp,

    /// <summary>A Unix socket: there is no host for which a certificate could be checked.</summary>
    Unix,

    /// <summary>Connected sockets that the manager hands over: QEMU knows of no host.</summary>
    Descriptor,
}
