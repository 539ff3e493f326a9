using System.Globalization;
using QemuMigTest.Results;

namespace QemuMigTest.Cli.Run;

/// <summary>What the user asked of a run.</summary>
internal sealed record RunSettings
{
    /// <summary>The paths to run, each with all below it; none means all.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>The paths to leave out, each with all below it; stronger than <see cref="Paths"/>.</summary>
    public IReadOnlyList<string> Skips { get; init; } = [];

    /// <summary>The QEMU of both sides: a path, a name in PATH or a name in the store.</summary>
    public string? Qemu { get; init; }

    /// <summary>The QEMU of the source, if it is another.</summary>
    public string? Source { get; init; }

    /// <summary>The QEMU of the destination, if it is another.</summary>
    public string? Destination { get; init; }

    /// <summary><c>auto</c>, <c>tcg</c> or <c>kvm</c>.</summary>
    public string Accelerator { get; init; } = "auto";

    /// <summary>The machine type of both sides.</summary>
    public string? MachineType { get; init; }

    /// <summary>How many tests run at a time, at least 1.</summary>
    public int Jobs { get; init; } = DefaultJobs;

    /// <summary>The factor on every time limit, above 0.</summary>
    public double TimeoutScale { get; init; } = 1;

    /// <summary>How often each test runs, at least 1; null for no limit.</summary>
    public int? Repeat { get; init; } = 1;

    /// <summary>Whether to stop after the first round with a failure.</summary>
    public bool UntilFailure { get; init; }

    /// <summary>The absolute path of the results folder.</summary>
    public required string ResultsFolder { get; init; }

    /// <summary>Whether standard output is TAP.</summary>
    public bool Tap { get; init; }

    /// <summary>Whether the folders of passed tests are kept.</summary>
    public bool Keep { get; init; }

    /// <summary>Whether the output has no colours.</summary>
    public bool NoColor { get; init; }

    /// <summary>One job a processor, but no more than four: each test runs two QEMUs, and their timing is what is tested.</summary>
    public static int DefaultJobs => Math.Min(Environment.ProcessorCount, 4);

    /// <summary>The NUnit test parameters that say this to the tests.</summary>
    public Dictionary<string, string> ToParameters()
    {
        var parameters = new Dictionary<string, string>
        {
            ["accel"] = Accelerator,
            [NUnit.TimeoutScale.Parameter] = TimeoutScale.ToString(CultureInfo.InvariantCulture),
            ["results"] = ResultsFolder,
            // The command writes it, round by round.
            ["record"] = "false",
        };
        AddIfSet("qemu", Qemu);
        AddIfSet("src", Source);
        AddIfSet("dst", Destination);
        AddIfSet("machine-type", MachineType);
        AddIfSet("keep", Keep ? "true" : null);
        return parameters;

        void AddIfSet(string key, string? value)
        {
            if (value is not null)
                parameters.Add(key, value);
        }
    }

    /// <summary>What of this goes to the record of the run.</summary>
    public SettingsRecord ToRecord() => new()
    {
        Jobs = Jobs,
        TimeoutScale = TimeoutScale,
        Repeat = Repeat,
        UntilFailure = UntilFailure,
        Paths = Paths,
        Skips = Skips,
    };
}
