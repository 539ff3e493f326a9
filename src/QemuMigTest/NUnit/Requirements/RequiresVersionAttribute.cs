using System.Globalization;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a version of QEMU on both sides, for what no query tells.</summary>
/// <param name="major">Such as 9.</param>
/// <param name="minor">Such as 0.</param>
/// <param name="why">What came with it, for the skip.</param>
public sealed class RequiresVersionAttribute(int major, int minor, string why) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => string.Create(CultureInfo.InvariantCulture, $"QEMU {major}.{minor}");

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !side.Binary.Version.IsAtLeast(major, minor))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary}", why))
        .FirstOrDefault();
}
