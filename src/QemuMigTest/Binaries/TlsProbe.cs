using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Binaries;

/// <summary>Asks a QEMU whether it can do TLS, by making credentials of files that cannot be there: the types of these are there in every build.</summary>
internal static class TlsProbe
{
    // Of anonymous credentials, which need no file, 10.2.2 dies: docs/findings.md.
    private const string Nowhere = "/dev/null/none";

    /// <summary>Why it cannot, in its own words, or null when it can: it has looked for the files.</summary>
    /// <param name="execute">Executes a QMP command.</param>
    public static async Task<string?> AskAsync(Func<string, JsonObject?, Task<JsonElement>> execute)
    {
        try
        {
            await execute("object-add", new() { ["qom-type"] = "tls-creds-psk", ["id"] = "tls-probe", ["endpoint"] = "client", ["dir"] = Nowhere });
        }
        catch (QmpCommandException e)
        {
            return e.Description.Contains(Nowhere, StringComparison.Ordinal) ? null : e.Description;
        }

        return $"it made credentials of {Nowhere}, where no file can be";
    }
}
