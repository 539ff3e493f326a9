using System.Text.Json.Nodes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>A cache with a place for each page of the guest's. In a smaller one pages take each other's, and are sent whole.</summary>
internal static class XbzrleCache
{
    /// <summary>Its size, bytes.</summary>
    public const long ForAll = 256 * 1024 * 1024;

    /// <summary>The source's parameters for it; none without the capability.</summary>
    public static JsonObject For(string capabilities) => MigrationCapability.Several(capabilities).Contains(MigrationCapability.Xbzrle) ? new() { ["xbzrle-cache-size"] = ForAll } : [];
}
