using QemuMigTest.Binaries;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs the same version of QEMU on both sides.</summary>
/// <param name="why">Why, for the skip.</param>
public sealed class RequiresSameVersionAttribute(string why) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "one version of QEMU on both sides";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => Release(environment.Source) == Release(environment.Destination)
        ? null
        : new($"{environment.Source} and {environment.Destination}", why);

    private static (int Major, int Minor, int Micro) Release(QemuBinary binary) => (binary.Version.Major, binary.Version.Minor, binary.Version.Micro);
}
