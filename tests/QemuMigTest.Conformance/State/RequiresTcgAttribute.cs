namespace QemuMigTest.Conformance.State;

/// <summary>Needs TCG: KVM that emulates does not bring the state guest up, and on KVM that does not it was never seen.</summary>
public sealed class RequiresTcgAttribute : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "TCG";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Accelerator.Name == "tcg"
        ? null
        : new MissingRequirement($"accelerator {environment.Accelerator.Name}", "the state guest was made for TCG, whose clocks are all made of one; --accel tcg runs it");
}
