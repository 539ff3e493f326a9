using System.Globalization;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a destination of some version, or later, where the source is of that version: what it sends an older one does not take.</summary>
/// <param name="major">Such as 10.</param>
/// <param name="minor">Such as 1.</param>
/// <param name="why">What is sent since then, for the skip.</param>
public sealed class RequiresDestinationSinceAttribute(int major, int minor, string why) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => string.Create(CultureInfo.InvariantCulture, $"a destination of QEMU {major}.{minor} or later for a source of {major}.{minor} or later");

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Source.Version.IsAtLeast(major, minor) && !environment.Destination.Version.IsAtLeast(major, minor)
        ? new($"{environment.Source} and {environment.Destination}", why)
        : null;
}
