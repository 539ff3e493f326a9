using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Binaries;

/// <summary>Asks a QEMU whether it can do TLS, by making credentials: the types of these are there in every build.</summary>
internal static class TlsProbe
{
    private const string Id = "tls-probe";

    /// <summary>Why it cannot, in its own words, or null when it can.</summary>
    /// <param name="execute">Executes a QMP command.</param>
    public static async Task<string?> AskAsync(Func<string, JsonObject?, Task<JsonElement>> execute)
    {
        try
        {
            // Of the three kinds the only one that needs no file.
            await execute("object-add", new() { ["qom-type"] = "tls-creds-anon", ["id"] = Id, ["endpoint"] = "client" });
        }
        catch (QmpCommandException e)
        {
            return e.Description;
        }

        await execute("object-del", new() { ["id"] = Id });
        return null;
    }
}
