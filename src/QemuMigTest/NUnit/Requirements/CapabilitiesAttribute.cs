namespace QemuMigTest.NUnit.Requirements;

/// <summary>On a parameter of a test: its value names migration capabilities, and both sides must have them.</summary>
/// <remarks>The parameter is a string (a name) or a string[] (names), QAPI's; null and empty ones need nothing.</remarks>
public sealed class CapabilitiesAttribute : ArgumentRequirementAttribute
{
    /// <inheritdoc/>
    public override IEnumerable<RequirementAttribute> Of(object? argument) => argument switch
    {
        null or "" => [],
        string name => [new RequiresCapabilityAttribute(name)],
        string[] names => names.Select(name => new RequiresCapabilityAttribute(name)),
        _ => throw new ArgumentException($"[Capabilities] is for a string or a string[], not for {argument.GetType().Name}.", nameof(argument)),
    };
}
