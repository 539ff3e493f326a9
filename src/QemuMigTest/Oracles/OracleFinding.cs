namespace QemuMigTest.Oracles;

/// <summary>Something that an oracle found wrong.</summary>
/// <param name="Oracle">Which oracle.</param>
/// <param name="Side">On which side: "source", "destination".</param>
/// <param name="Text">What, where, what was expected, what was seen.</param>
public sealed record OracleFinding(string Oracle, string Side, string Text)
{
    /// <inheritdoc/>
    public override string ToString() => $"[{Oracle}] {Side}: {Text}";
}
