namespace QemuMigTest.NUnit.Requirements;

/// <summary>On a parameter of a test, a bool: whether it uses TLS, which both sides must then be built with.</summary>
public sealed class UsesTlsAttribute : ArgumentRequirementAttribute
{
    /// <inheritdoc/>
    public override IEnumerable<RequirementAttribute> Of(object? argument) => argument switch
    {
        true => [new RequiresTlsAttribute()],
        false => [],
        _ => throw new ArgumentException($"[UsesTls] is for a bool, not for {argument?.GetType().Name ?? "null"}.", nameof(argument)),
    };
}
