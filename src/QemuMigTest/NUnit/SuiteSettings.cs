using NUnit.Framework;
using QemuMigTest.Binaries;
using QemuMigTest.Hosts;

namespace QemuMigTest.NUnit;

/// <summary>What a run of the suite was told: by test parameters (the command passes its options so), else by environment variables.</summary>
public sealed record SuiteSettings
{
    /// <summary>The QEMU of both sides: a path, a command, or a name in the store (<c>qemu</c>; QEMU_MIG_TEST_QEMU where the command does not run the suite; QTEST_QEMU_BINARY).</summary>
    public string? Qemu { get; init; }

    /// <summary>The source's QEMU alone (<c>src</c>; QTEST_QEMU_BINARY_SRC).</summary>
    public string? Source { get; init; }

    /// <summary>The destination's QEMU alone (<c>dst</c>; QTEST_QEMU_BINARY_DST).</summary>
    public string? Destination { get; init; }

    /// <summary>The accelerator: auto, tcg or kvm (<c>accel</c>; QEMU_MIG_TEST_ACCEL).</summary>
    public string? Accelerator { get; init; }

    /// <summary>The machine type or an alias of one (<c>machine-type</c>; QTEST_QEMU_MACHINE_TYPE).</summary>
    public string? MachineType { get; init; }

    /// <summary>How much longer than usual every wait may take (<c>timeout-scale</c>; QEMU_MIG_TEST_TIMEOUT_SCALE).</summary>
    public double TimeoutScale { get; init; } = 1;

    /// <summary>Where the folders of failed tests go (<c>results</c>; QEMU_MIG_TEST_RESULTS): by default ./results.</summary>
    public string ResultsFolder { get; init; } = Path.GetFullPath("results");

    /// <summary>Whether the suite itself writes the run's record into that folder: not where the command does (<c>record</c>, false).</summary>
    public bool Record { get; init; } = true;

    /// <summary>Keep the folders of passed tests too (<c>keep</c>; QEMU_MIG_TEST_KEEP).</summary>
    public bool Keep { get; init; }

    /// <summary>Show what passes over QMP as it passes (<c>log</c>; QTEST_LOG).</summary>
    public bool Log { get; init; }

    /// <summary>Reads the settings of the run that is under way.</summary>
    /// <exception cref="FormatException">The timeout scale is no number above 0.</exception>
    public static SuiteSettings Read() => new()
    {
        // The QTEST_QEMU_BINARY variables are the locator's: there they may only be paths, as upstream has them.
        Qemu = Parameter("qemu") ?? (IsByTheCommand ? null : Variable("QEMU_MIG_TEST_QEMU")),
        Source = Parameter("src"),
        Destination = Parameter("dst"),
        Accelerator = Parameter("accel") ?? Variable("QEMU_MIG_TEST_ACCEL"),
        MachineType = Parameter("machine-type") ?? Variable(CommonMachine.Variable),
        TimeoutScale = NUnit.TimeoutScale.Read(),
        ResultsFolder = Path.GetFullPath(Parameter("results") ?? Variable("QEMU_MIG_TEST_RESULTS") ?? "results"),
        Record = !IsByTheCommand,
        Keep = IsOn(Parameter("keep") ?? Variable("QEMU_MIG_TEST_KEEP")),
        Log = IsOn(Parameter("log") ?? Variable("QTEST_LOG")),
    };

    /// <summary>How long waits may take.</summary>
    public TimeLimits Limits => new(TimeoutScale);

    private static bool IsByTheCommand => Parameter("record") == "false";

    private static bool IsOn(string? value) => value is { Length: > 0 } and not ("0" or "false");

    private static string? Parameter(string name) => TestContext.Parameters.Get(name) is { Length: > 0 } value ? value : null;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
