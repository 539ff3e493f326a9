using System.Globalization;

namespace QemuMigTest.Processes;

/// <summary>Something that was waited for did not come in its time.</summary>
public sealed class WaitTimeoutException : QemuMigTestException
{
    /// <param name="side">Whose it was: "source", "destination".</param>
    /// <param name="what">What was waited for.</param>
    /// <param name="limit">How long.</param>
    /// <param name="lastSeen">What was seen last.</param>
    public WaitTimeoutException(string side, string what, TimeSpan limit, string lastSeen)
        : base(string.Create(CultureInfo.InvariantCulture, $"{side}: waited {limit.TotalSeconds:0.#} s for {what}; last seen: {lastSeen}"))
    {
        Side = side;
        What = what;
        Limit = limit;
        LastSeen = lastSeen;
    }

    /// <summary>The side that was waited on.</summary>
    public string Side { get; }

    /// <summary>What was waited for.</summary>
    public string What { get; }

    /// <summary>How long it was waited for.</summary>
    public TimeSpan Limit { get; }

    /// <summary>What was seen last on that side.</summary>
    public string LastSeen { get; }
}
