using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Tls;

/// <summary>How a QEMU is told to use TLS for migration.</summary>
/// <param name="CommandLine">The objects: credentials, and who is let in.</param>
/// <param name="Parameters">The migration parameters that name them (tls-creds, tls-hostname, tls-authz).</param>
public sealed record TlsArguments(QemuCommandLine CommandLine, JsonObject Parameters)
{
    /// <summary>No TLS.</summary>
    public static TlsArguments None => new(new(), []);
}
