using System.Reflection;
using QemuMigTest.Cli.Output;
using QemuMigTest.Results;

namespace QemuMigTest.Cli;

/// <summary>What the commands work with: where they write, the suite that they run, and what prepares and ends it.</summary>
internal sealed record CommandContext
{
    /// <summary>Standard output.</summary>
    public required OutputTarget Out { get; init; }

    /// <summary>Standard error.</summary>
    public required OutputTarget Error { get; init; }

    /// <summary>The assembly that holds the migration tests.</summary>
    public required Assembly Suite { get; init; }

    /// <summary>Finds and probes the QEMUs of a run.</summary>
    public required ISuiteHost Host { get; init; }

    /// <summary>Ends whatever an interrupted run has started.</summary>
    public required ISuiteCleanup Cleanup { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The version of this tool.</summary>
    public static string Version => RunRecord.VersionOfThisTool;
}
