using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs a QMP command on both sides.</summary>
/// <param name="command">The command, such as <c>x-colo-lost-heartbeat</c>.</param>
public sealed class RequiresCommandAttribute(string command) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => $"command {command}";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !side.Binary.Commands.ContainsKey(command))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary} without it", "query-qmp-schema does not list it"))
        .FirstOrDefault();
}
