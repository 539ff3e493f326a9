using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a scratch folder on a file system with O_DIRECT.</summary>
public sealed class RequiresDirectIoAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "O_DIRECT";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Host.DirectIoError is { } error
        ? new MissingRequirement(error, $"direct-io writes the migration file with it; set {Processes.ScratchDirectory.Variable} to a folder on another file system")
        : null;
}
