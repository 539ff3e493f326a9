using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using QemuMigTest.NUnit;

namespace QemuMigTest.Cli.Run;

/// <summary>The options of <c>run</c>.</summary>
internal sealed class RunOptions
{
    private const string DefaultResults = "results";

    // NUnit starts a thread for each before the first test.
    private const int MostJobs = 1024;

    private static readonly string[] Accelerators = ["auto", "tcg", "kvm"];

    private readonly Option<string[]> _paths = CreatePaths();
    private readonly Option<string[]> _skips = CreateSkips();
    private readonly Option<string> _qemu = Text("--qemu", "QEMU", "The QEMU of both sides: a path, a command in PATH, or a build in the store. Else QTEST_QEMU_BINARY, PATH and the store are searched.");
    private readonly Option<string> _source = Text("--src", "QEMU", "The QEMU of the source, if it is another. Else QTEST_QEMU_BINARY_SRC.");
    private readonly Option<string> _destination = Text("--dst", "QEMU", "The QEMU of the destination, if it is another. Else QTEST_QEMU_BINARY_DST.");
    private readonly Option<string> _machineType = Text("--machine-type", "TYPE", "The machine type of both sides, such as pc-q35-9.2. Else the newest that both have.");

    private readonly Option<string> _accelerator = new("--accel")
    {
        Description = "auto, tcg or kvm; auto takes KVM where it can be used.",
        HelpName = "ACCEL",
        DefaultValueFactory = _ => "auto",
        CustomParser = ParseAccelerator,
    };

    private readonly Option<int> _jobs = new("--jobs", "-j")
    {
        Description = "How many tests run at a time. By default one a processor, but no more than 4.",
        HelpName = "N",
        DefaultValueFactory = _ => RunSettings.DefaultJobs,
        CustomParser = result => ParseCount(result, MostJobs),
    };

    private readonly Option<double> _timeoutScale = new("--timeout-scale")
    {
        Description = $"The factor on every time limit, for slow machines. Else {TimeoutScale.Variable}.",
        HelpName = "X",
        DefaultValueFactory = DefaultScale,
        CustomParser = ParseScale,
    };

    private readonly Option<int?> _repeat = new("--repeat")
    {
        Description = "Run everything N times.",
        HelpName = "N",
        CustomParser = result => ParseCount(result, null),
    };

    private readonly Option<bool> _untilFailure = new("--until-failure")
    {
        Description = "Repeat until a round has a failure, for --repeat rounds at most.",
    };

    private readonly Option<string> _results = new("--results")
    {
        Description = "Where run.json and the logs of the tests go.",
        HelpName = "DIR",
        DefaultValueFactory = _ => DefaultResults,
    };

    private readonly Option<bool> _tap = new("--tap") { Description = "Write TAP version 14 to standard output and all else to standard error." };
    private readonly Option<bool> _keep = new("--keep") { Description = "Keep the folders of passed tests, too." };
    private readonly Option<bool> _noColor = new("--no-color") { Description = "No colours; NO_COLOR in the environment says the same." };

    /// <summary>All of them, in the order of the help.</summary>
    public IEnumerable<Option> All =>
        [_paths, _skips, _qemu, _source, _destination, _accelerator, _machineType, _jobs, _timeoutScale, _repeat, _untilFailure, _results, _tap, _keep, _noColor];

    /// <summary><c>--path</c>, for every command that selects tests.</summary>
    public static Option<string[]> CreatePaths() => new("--path", "-p")
    {
        Description = "A test, or a folder of tests. May be given more than once.",
        HelpName = "PATH",
    };

    /// <summary><c>--skip</c>, for every command that selects tests.</summary>
    public static Option<string[]> CreateSkips() => new("--skip", "-s")
    {
        Description = "A test or a folder to leave out. May be given more than once.",
        HelpName = "PATH",
    };

    /// <summary>What a command line asks for.</summary>
    public RunSettings Read(ParseResult parsed)
    {
        var untilFailure = parsed.GetValue(_untilFailure);
        var results = parsed.GetValue(_results)!;
        if (results.Length == 0)
            throw new UsageException("--results is empty, wanted a folder.");
        return new RunSettings
        {
            Paths = parsed.GetValue(_paths) ?? [],
            Skips = parsed.GetValue(_skips) ?? [],
            Qemu = parsed.GetValue(_qemu),
            Source = parsed.GetValue(_source),
            Destination = parsed.GetValue(_destination),
            Accelerator = parsed.GetValue(_accelerator)!,
            MachineType = parsed.GetValue(_machineType),
            Jobs = parsed.GetValue(_jobs),
            TimeoutScale = parsed.GetValue(_timeoutScale),
            Repeat = parsed.GetValue(_repeat) ?? (untilFailure ? null : 1),
            UntilFailure = untilFailure,
            ResultsFolder = Path.GetFullPath(results),
            Tap = parsed.GetValue(_tap),
            Keep = parsed.GetValue(_keep),
            NoColor = parsed.GetValue(_noColor) || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        };
    }

    private static Option<string> Text(string name, string helpName, string description) =>
        new(name) { Description = description, HelpName = helpName };

    private static string ParseAccelerator(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (!Accelerators.Contains(text))
            result.AddError($"--accel is '{text}', wanted auto, tcg or kvm.");
        return text;
    }

    private static int ParseCount(ArgumentResult result, int? most)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1 && !(count > most))
            return count;
        result.AddError($"{NameOf(result)} is '{text}', wanted a whole number from 1{(most is null ? "" : $" to {most}")}.");
        return 1;
    }

    private static double ParseScale(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (!TimeoutScale.TryParse(text, out var scale))
            result.AddError($"--timeout-scale is '{text}', wanted {TimeoutScale.Wanted}.");
        return scale;
    }

    private static double DefaultScale(ArgumentResult result)
    {
        try
        {
            return TimeoutScale.ReadVariable();
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return 1;
        }
    }

    private static string NameOf(ArgumentResult result) => result.Parent is OptionResult option ? option.Option.Name : "the value";
}
