namespace QemuMigTest.Migration;

/// <summary>What becomes of the destination when a migration fails or is cancelled.</summary>
/// <param name="ExitCode">The exit code with which it ends, or null when it stays.</param>
/// <param name="Error">What its stderr must contain.</param>
public sealed record DestinationEnd(int? ExitCode, string Error = "")
{
    /// <summary>It goes on waiting for a migration.</summary>
    public static DestinationEnd Stays => new((int?)null);

    /// <summary>It exits with code 1, the default of migrate-incoming, and says why.</summary>
    public static DestinationEnd Exits(string error = "") => new(1, error);
}
