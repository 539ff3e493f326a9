using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a migration capability on both sides.</summary>
/// <param name="capability">QAPI's name, such as <c>multifd</c>.</param>
public sealed class RequiresCapabilityAttribute(string capability) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => $"capability {capability}";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !side.Binary.MigrationCapabilities.Contains(capability))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary} without it", "query-migrate-capabilities does not list it"))
        .FirstOrDefault();
}
