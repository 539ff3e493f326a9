namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a version of QEMU on both sides, for what no query tells.</summary>
/// <param name="major">Such as 9.</param>
/// <param name="minor">Such as 0.</param>
/// <param name="why">What came with it, for the skip.</param>
public sealed class RequiresVersionAttribute(int major, int minor, string why) : VersionRequirementAttribute(major, minor, why, ofSourceAlone: false)
{
    /// <inheritdoc/>
    public override string Wanted => Version;
}
