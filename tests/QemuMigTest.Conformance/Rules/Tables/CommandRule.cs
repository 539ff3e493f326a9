using QemuMigTest.Binaries;

namespace QemuMigTest.Conformance.Rules;

/// <summary>A command that is refused at some stages of a migration.</summary>
/// <param name="Stages">Where.</param>
/// <param name="Command">The command.</param>
/// <param name="Arguments">Its arguments as JSON, or null.</param>
/// <param name="Reason">Why, and what the error names.</param>
internal sealed record CommandRule(Stage Stages, string Command, string? Arguments, Refusal Reason)
{
    /// <summary>The versions that refuse it.</summary>
    public VersionRange Versions { get; init; } = VersionRange.Always;

    /// <summary>The same rule, for some versions.</summary>
    public CommandRule For(VersionRange versions) => this with { Versions = versions };

    /// <summary>Whether it is to be tried at a stage, on a build.</summary>
    public bool IsFor(Stage stage, QemuBinary binary) => Stages.HasFlag(stage) && Versions.Includes(binary.Version) && binary.Commands.ContainsKey(Command);
}
