using System.Text.Json;

namespace QemuMigTest.Qmp;

/// <summary>What QEMU says first on a QMP connection.</summary>
/// <param name="Version">QEMU's major, minor and micro (as <see cref="Version.Build"/>): QAPI's VersionTriple.</param>
/// <param name="Package">What the packager added, such as <c>Debian 1:10.0.2+ds-2</c>; may be empty.</param>
/// <param name="Capabilities">QAPI's QMPCapability values that are offered, such as <c>oob</c>.</param>
public sealed record QmpGreeting(Version Version, string Package, IReadOnlyList<string> Capabilities)
{
    public int Major => Version.Major;

    public int Minor => Version.Minor;

    public int Micro => Version.Build;

    /// <summary>The greeting that a line holds; null when it holds none.</summary>
    internal static QmpGreeting? TryParse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var greeting = document.RootElement.GetProperty("QMP");
            var version = greeting.GetProperty("version");
            var triple = version.GetProperty("qemu");
            return new QmpGreeting(
                new Version(triple.GetProperty("major").GetInt32(), triple.GetProperty("minor").GetInt32(), triple.GetProperty("micro").GetInt32()),
                version.GetProperty("package").GetString() ?? "",
                [.. greeting.GetProperty("capabilities").EnumerateArray().Select(capability => capability.GetString() ?? "")]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentOutOfRangeException)
        {
            // Each of these says the same: it is no greeting. The caller has the line and reports it.
            return null;
        }
    }
}
