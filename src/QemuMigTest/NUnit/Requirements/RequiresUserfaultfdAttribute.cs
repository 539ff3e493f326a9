using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs userfaultfd: postcopy's destination fetches missing pages by it.</summary>
public sealed class RequiresUserfaultfdAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "userfaultfd";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) =>
        environment.Host.UserfaultfdError is { } error ? new MissingRequirement(error, "postcopy's destination needs it") : null;
}
