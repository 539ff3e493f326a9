using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>What a run is going to do, and on what.</summary>
internal sealed record RunPlan
{
    /// <summary>What the user asked for.</summary>
    public required RunSettings Settings { get; init; }

    /// <summary>What the run takes place on.</summary>
    public required SuiteEnvironment Environment { get; init; }

    /// <summary>The tests, in the order of their paths.</summary>
    public required IReadOnlyList<SuiteTest> Tests { get; init; }

    /// <summary>The command line.</summary>
    public required IReadOnlyList<string> CommandLine { get; init; }

    /// <summary>What was run before into the same results folder, if it can be compared; for estimates only.</summary>
    public RunRecord? Before { get; init; }
}
