namespace QemuMigTest.Conformance.Rules;

/// <summary>A rule that makes QEMU refuse migrate-set-capabilities.</summary>
/// <param name="Refusal">What it says, and what the error names.</param>
/// <param name="Breaks">Whether going from one state to another breaks it.</param>
internal sealed record CapabilityRule(Refusal Refusal, Func<RuleState, RuleState, RuleContext, bool> Breaks)
{
    /// <summary>The versions that have it.</summary>
    public VersionRange Versions { get; init; } = VersionRange.Always;

    /// <summary>A capability wants another.</summary>
    public static CapabilityRule Requires(string capability, string other, params string[] words) =>
        new(new($"{capability} requires {other}", words), (_, after, _) => after.Has(capability) && !after.Has(other));

    /// <summary>Two capabilities exclude each other.</summary>
    public static CapabilityRule Excludes(string capability, string other, params string[] words) =>
        new(new($"{capability} excludes {other}", words), (_, after, _) => after.Has(capability) && after.Has(other));

    /// <summary>A capability excludes what a parameter may be set to.</summary>
    public static CapabilityRule ExcludesParameter(string capability, string parameter, Func<RuleState, bool> isSet, params string[] words) =>
        new(new($"{capability} excludes {parameter}", words), (_, after, _) => after.Has(capability) && isSet(after));

    /// <summary>A capability wants something of the build, the machine or the host.</summary>
    public static CapabilityRule Needs(string capability, string what, Func<RuleContext, bool> has, params string[] words) =>
        new(new($"{capability} needs {what}", words), (_, after, context) => after.Has(capability) && !has(context));

    /// <summary>A capability may be turned on only before migrate-incoming; it may stay on.</summary>
    public static CapabilityRule BeforeIncoming(string capability, params string[] words) =>
        new(new($"{capability} is to be set before migrate-incoming", words), (before, after, context) => context.Listening && after.Has(capability) && !before.Has(capability));

    /// <summary>The same rule, for some versions.</summary>
    public CapabilityRule For(VersionRange versions) => this with { Versions = versions };

    /// <summary>The rules of a table that a step breaks: QEMU may name any of them.</summary>
    public static IReadOnlyList<Refusal> Broken(IEnumerable<CapabilityRule> rules, RuleState before, RuleState after, RuleContext context) =>
        [.. rules.Where(rule => rule.Versions.Includes(context.Version) && rule.Breaks(before, after, context)).Select(rule => rule.Refusal)];
}
