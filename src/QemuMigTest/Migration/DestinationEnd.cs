namespace QemuMigTest.Migration;

/// <summary>What becomes of the destination when a migration fails or is cancelled.</summary>
/// <param name="ExitCode">The exit code with which it ends, or null when it stays.</param>
/// <param name="Error">What its stderr, or its error-desc when it stays, must contain.</param>
/// <param name="SaysFailed">It stays and its status becomes failed.</param>
/// <param name="Complains">It stays as it was, and its stderr says why it let nobody in.</param>
public sealed record DestinationEnd(int? ExitCode, string Error = "", bool SaysFailed = false, bool Complains = false)
{
    /// <summary>It goes on waiting for a migration.</summary>
    public static DestinationEnd Stays => new((int?)null);

    /// <summary>It lets the source not in, says why on stderr, and goes on waiting for a migration: what a TLS server does.</summary>
    public static DestinationEnd Rejects(string error) => new(null, error, Complains: true);

    /// <summary>It exits with code 1, the default of migrate-incoming, and says why.</summary>
    public static DestinationEnd Exits(string error = "") => new(1, error);

    /// <summary>It stays, and query-migrate says that it failed and why: what <see cref="PairOptions.ExitOnError"/> false makes of it.</summary>
    public static DestinationEnd Fails(string error = "") => new(null, error, SaysFailed: true);
}
