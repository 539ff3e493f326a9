using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs machine type q35.</summary>
/// <param name="what">What of it.</param>
/// <param name="why">What for.</param>
public sealed class RequiresQ35Attribute(string what, string why) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => $"{what}, as q35 has it";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.IsQ35 ? null : new MissingRequirement(environment.MachineType, why);
}
