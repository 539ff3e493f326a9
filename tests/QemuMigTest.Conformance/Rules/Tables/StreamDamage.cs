namespace QemuMigTest.Conformance.Rules;

/// <summary>A stream that a destination must refuse.</summary>
/// <param name="What">What is wrong with it, for people: with …, without …, truncated ….</param>
/// <param name="Make">Makes it of one that is whole.</param>
/// <param name="Words">Of these what the destination says of it must contain one.</param>
internal sealed record StreamDamage(string What, Func<StreamDraft, byte[]> Make, params IReadOnlyList<string> Words)
{
    /// <summary>A capability that is on in the destination, by QAPI's name, or empty.</summary>
    public string Capability { get; init; } = "";

    /// <summary>The same damage, for a destination with a capability.</summary>
    public StreamDamage With(string capability) => this with { Capability = capability };
}
