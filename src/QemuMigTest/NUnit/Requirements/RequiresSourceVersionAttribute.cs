namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a version of QEMU on the source, for what no query tells and no destination has a part in.</summary>
/// <param name="major">Such as 9.</param>
/// <param name="minor">Such as 0.</param>
/// <param name="why">What came with it, for the skip.</param>
public sealed class RequiresSourceVersionAttribute(int major, int minor, string why) : VersionRequirementAttribute(major, minor, why, ofSourceAlone: true)
{
    /// <inheritdoc/>
    public override string Wanted => $"{Version} on the source";
}
