namespace QemuMigTest.Results;

/// <summary>One attempt at a test.</summary>
public sealed record AttemptRecord
{
    /// <summary>How it ended.</summary>
    public required TestOutcome Outcome { get; init; }

    /// <summary>When it began, in seconds after the run began.</summary>
    public required double StartSeconds { get; init; }

    /// <summary>How long it took, in seconds; so far, if it was interrupted.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Why it failed or was skipped.</summary>
    public string? Reason { get; init; }

    /// <summary>The stack trace of a failure.</summary>
    public string? Stack { get; init; }

    /// <summary>The folder with the logs: relative to the results folder if below it, else absolute.</summary>
    public string? Folder { get; init; }

    /// <summary>What a skipped test wanted.</summary>
    public string? Wanted { get; init; }

    /// <summary>What a skipped test found instead.</summary>
    public string? Found { get; init; }

    /// <summary>Why what was found is not enough.</summary>
    public string? Why { get; init; }

    /// <summary>What QEMU refused, as the test wanted it to; null if nothing. Such an attempt has passed.</summary>
    public string? Refused { get; init; }

    /// <summary>What QEMU did that it should not, as its version is known to; null if nothing. Such an attempt has passed.</summary>
    public string? Fault { get; init; }

    /// <summary>What the test measured, by name; the unit is in the name: <c>total-time-ms</c>.</summary>
    public IReadOnlyDictionary<string, double> Measures { get; init; } = new Dictionary<string, double>();

    /// <summary>What the test wrote to the console; its end, if it was much.</summary>
    public string? Output { get; init; }
}
