using System.Globalization;
using System.Text.Json.Serialization;

namespace QemuMigTest.Binaries;

/// <summary>A QEMU's version as query-version gives it. For texts and for what no query tells; what a build can do is asked of it.</summary>
/// <param name="Major">Such as 11.</param>
/// <param name="Minor">Such as 1.</param>
/// <param name="Micro">Such as 3.</param>
/// <param name="Package">The distribution's own version, such as <c>Debian 1:11.1.3+ds-1</c>, or empty.</param>
public sealed record QemuVersion(int Major, int Minor, int Micro, string Package)
{
    /// <summary>Major, minor and micro, such as <c>11.1.3</c>.</summary>
    [JsonIgnore]
    public string Number => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Micro}");

    /// <summary>Whether it is this version or a later one.</summary>
    public bool IsAtLeast(int major, int minor) => (Major, Minor).CompareTo((major, minor)) >= 0;

    /// <inheritdoc/>
    public override string ToString() => Package.Length == 0 ? Number : $"{Number} ({Package})";
}
