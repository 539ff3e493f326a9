namespace QemuMigTest.Oracles;

/// <summary>A migration did what the test asked, and yet something that holds for every migration does not hold.</summary>
public sealed class OracleException : QemuMigTestException
{
    /// <param name="findings">What was found; at least one.</param>
    /// <param name="innerException">What kept an oracle from its end, or null.</param>
    public OracleException(IReadOnlyList<OracleFinding> findings, Exception? innerException = null) : base(string.Join('\n', findings), innerException) =>
        Findings = findings;

    /// <summary>All that was found.</summary>
    internal IReadOnlyList<OracleFinding> Findings { get; }
}
