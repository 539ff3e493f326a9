using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a device on both sides.</summary>
/// <param name="device">QOM's name, such as <c>e1000</c>.</param>
public sealed class RequiresDeviceAttribute(string device) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => $"device {device}";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !side.Binary.Types.Contains(device))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary} without it", "qom-list-types does not list it"))
        .FirstOrDefault();
}
