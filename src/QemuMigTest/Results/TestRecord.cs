namespace QemuMigTest.Results;

/// <summary>One test of a run, with every attempt at it.</summary>
public sealed record TestRecord
{
    /// <summary>The test's path.</summary>
    public required string Path { get; init; }

    /// <summary>The fixture's full name and the method: <c>Namespace.Fixture.Method</c>.</summary>
    public required string Method { get; init; }

    /// <summary>What the test needs.</summary>
    public IReadOnlyList<string> Needs { get; init; } = [];

    /// <summary>The attempts, in order; none if the run ended before the test began.</summary>
    public required IReadOnlyList<AttemptRecord> Attempts { get; init; }
}
