namespace QemuMigTest.Cli.Bench;

/// <summary>What a benchmark is to measure.</summary>
internal sealed record BenchmarkPlan
{
    /// <summary>The script that runs upstream's harness.</summary>
    public required string Upstream { get; init; }

    /// <summary>The build for our runs, as <c>--qemu</c> takes it.</summary>
    public required string Qemu { get; init; }

    /// <summary>An executable that starts the same build, for upstream's.</summary>
    public required string Wrapper { get; init; }

    /// <summary>All paths of our suite.</summary>
    public required IReadOnlyList<string> SuitePaths { get; init; }

    /// <summary>Those of them that are to be measured where upstream has them.</summary>
    public required IReadOnlyList<string> SelectedPaths { get; init; }

    /// <summary>How often ours is run with one job, and with two.</summary>
    public required int Repeat { get; init; }

    /// <summary>How often upstream's is run.</summary>
    public required int UpstreamRepeat { get; init; }

    /// <summary>A folder for what is not kept.</summary>
    public required string Scratch { get; init; }
}
