using QemuMigTest.Migration;

namespace QemuMigTest.NUnit.Requirements;

/// <summary>On a parameter of a test: its value names migration capabilities, and both sides must have them; postcopy needs userfaultfd besides.</summary>
/// <remarks>The value is a string: QAPI's names, separated by spaces; none, when it is empty.</remarks>
public sealed class CapabilitiesAttribute : ArgumentRequirementAttribute
{
    /// <inheritdoc/>
    public override IEnumerable<RequirementAttribute> Of(object? argument) => argument is string names
        ? names.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(name => name == MigrationCapability.PostcopyRam.Name ? new RequirementAttribute[] { new RequiresCapabilityAttribute(name), new RequiresUserfaultfdAttribute() } : [new RequiresCapabilityAttribute(name)])
        : throw new ArgumentException($"[Capabilities] is for a string, not for {argument?.GetType().Name ?? "null"}.", nameof(argument));
}
