using QemuMigTest.Binaries;
using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>Needs an argument of a QMP command on both sides, or a value that it may have.</summary>
/// <param name="command">The command, such as <c>migrate</c>.</param>
/// <param name="argument">The argument, such as <c>channels</c>.</param>
/// <param name="value">A value of an enumeration in it, such as <c>file</c>; null when the argument is enough.</param>
public sealed class RequiresArgumentAttribute(string command, string argument, string? value = null) : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => value is null ? $"argument {argument} of {command}" : $"{value} in argument {argument} of {command}";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Sides
        .Where(side => !Has(side.Binary))
        .Select(side => new MissingRequirement($"{side.Side} {side.Binary} without it", "query-qmp-schema does not list it"))
        .FirstOrDefault();

    private bool Has(QemuBinary binary) => binary.Commands.TryGetValue(command, out var arguments)
        && arguments.TryGetValue(argument, out var values)
        && (value is null || values.Contains(value));
}
