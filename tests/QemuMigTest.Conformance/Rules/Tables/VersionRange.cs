using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance.Rules;

/// <summary>The versions of QEMU that a row of a table is for.</summary>
/// <param name="Since">The first.</param>
/// <param name="Before">The first that it is not for any more; null when there is none yet.</param>
internal readonly record struct VersionRange((int Major, int Minor, int Micro) Since, (int Major, int Minor, int Micro)? Before)
{
    /// <summary>All versions.</summary>
    public static VersionRange Always => default;

    /// <summary>A version and all later ones.</summary>
    public static VersionRange From(int major, int minor, int micro = 0) => new((major, minor, micro), null);

    /// <summary>All versions before one.</summary>
    public static VersionRange To(int major, int minor, int micro = 0) => new(default, (major, minor, micro));

    /// <summary>The same, but not for this version and later ones.</summary>
    public VersionRange Until(int major, int minor, int micro = 0) => this with { Before = (major, minor, micro) };

    /// <summary>Whether a version is one of them.</summary>
    public bool Includes(QemuVersion version)
    {
        var number = (version.Major, version.Minor, version.Micro);
        return number.CompareTo(Since) >= 0 && (Before is not { } end || number.CompareTo(end) < 0);
    }
}
