namespace QemuMigTest.Results;

/// <summary>What was asked of a run.</summary>
public sealed record SettingsRecord
{
    /// <summary>How many tests ran at a time, at most.</summary>
    public required int Jobs { get; init; }

    /// <summary>The factor on every time limit.</summary>
    public required double TimeoutScale { get; init; }

    /// <summary>How often every test was to run; null for no limit.</summary>
    public int? Repeat { get; init; }

    /// <summary>Whether the run was to end after the first round with a failure.</summary>
    public bool UntilFailure { get; init; }

    /// <summary>The paths that were asked for; none means all.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>The paths that were left out.</summary>
    public IReadOnlyList<string> Skips { get; init; } = [];
}
