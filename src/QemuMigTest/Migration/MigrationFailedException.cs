namespace QemuMigTest.Migration;

/// <summary>A migration came to a status that it must not come to.</summary>
public sealed class MigrationFailedException : QemuMigTestException
{
    /// <param name="side">Where the status was seen.</param>
    /// <param name="seen">The status.</param>
    /// <param name="wanted">What was waited for.</param>
    /// <param name="error">query-migrate's error-desc.</param>
    public MigrationFailedException(string side, MigrationStatus seen, string wanted, string? error)
        : base($"{side}: status {seen} came while {wanted} was waited for; {(error is null ? "query-migrate gives no reason" : $"query-migrate says: {error}")}")
    {
        Side = side;
        Seen = seen;
        ErrorDescription = error;
    }

    /// <summary>Where the status was seen.</summary>
    public string Side { get; }

    /// <summary>The status.</summary>
    public MigrationStatus Seen { get; }

    /// <summary>query-migrate's error-desc, or null.</summary>
    public string? ErrorDescription { get; }
}
