namespace QemuMigTest.Conformance.State;

/// <summary>Needs TCG: KVM that emulates does not bring the state guest up, and on KVM that does not it was never seen.</summary>
/// <param name="why">Why, where it is not for that.</param>
public sealed class RequiresTcgAttribute(string why = "the state guest was made for TCG, whose clocks are all made of one") : RequirementAttribute
{
    /// <inheritdoc/>
    public override string Wanted => "TCG";

    /// <inheritdoc/>
    public override MissingRequirement? Check(MigrationEnvironment environment) => environment.Accelerator.Name == "tcg"
        ? null
        : new MissingRequirement($"accelerator {environment.Accelerator.Name}", $"{why}; --accel tcg runs it");
}
