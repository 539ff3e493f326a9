using System.Globalization;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a version of QEMU on some sides.</summary>
/// <param name="major">Such as 9.</param>
/// <param name="minor">Such as 0.</param>
/// <param name="why">What came with it, for the skip.</param>
/// <param name="ofSourceAlone">Whether the destination may be of any version.</param>
public abstract class VersionRequirementAttribute(int major, int minor, string why, bool ofSourceAlone) : RequirementAttribute
{
    /// <summary>The version, for the skip.</summary>
    protected string Version => string.Create(CultureInfo.InvariantCulture, $"QEMU {major}.{minor}");

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !(ofSourceAlone && side.Binary != environment.Source) && !side.Binary.Version.IsAtLeast(major, minor))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary}", why))
        .FirstOrDefault();
}
