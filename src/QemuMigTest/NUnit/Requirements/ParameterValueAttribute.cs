namespace QemuMigTest.NUnit.Requirements;

/// <summary>On a parameter of a test: its value, a string, is one that both sides must allow for a migration parameter.</summary>
/// <param name="parameter">The migration parameter, an enumeration in QAPI, such as <c>multifd-compression</c>.</param>
public sealed class ParameterValueAttribute(string parameter) : ArgumentRequirementAttribute
{
    /// <inheritdoc/>
    public override IEnumerable<RequirementAttribute> Of(object? argument) => argument is string value
        ? [new RequiresArgumentAttribute("migrate-set-parameters", parameter, value)]
        : throw new ArgumentException($"[ParameterValue(\"{parameter}\")] is for a string, not for {argument?.GetType().Name ?? "null"}.", nameof(argument));
}
