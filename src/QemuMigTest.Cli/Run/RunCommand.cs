using System.CommandLine;
using QemuMigTest.Cli.Output;

namespace QemuMigTest.Cli.Run;

/// <summary><c>qemu-mig-test run</c>.</summary>
internal sealed class RunCommand(CommandContext context, Interruption interruption, IReadOnlyList<string> args)
{
    public const string Examples =
        """
        Examples:
          qemu-mig-test run                                       the suite, on the QEMU that is found
          qemu-mig-test run --qemu ./build/qemu-system-x86_64     on the one just built
          qemu-mig-test run --src bookworm --dst trixie           from an old QEMU into a new one
          qemu-mig-test run -p /migration/multifd -s /migration/multifd/tcp/tls
          qemu-mig-test run -p /migration/precopy/tcp/plain --repeat 50
          qemu-mig-test run --tap | your-tap-reader               for a CI that reads TAP

        A run leaves results/run.json, and a folder of logs for each test that failed.
        """;

    private readonly RunOptions _options = new();

    public Command Create()
    {
        var command = new Command("run", "Runs the tests and shows how they go.");
        foreach (var option in _options.All)
            command.Options.Add(option);
        command.SetAction((parsed, _) => RunAsync(_options.Read(parsed)));
        return command;
    }

    private async Task<int> RunAsync(RunSettings settings)
    {
        // What is wrong with the command line is said before anything is fetched or probed.
        var parameters = settings.ToParameters();
        PathSelection.Select(SuiteCatalog.Load(context.Suite, parameters, settings.Jobs).Tests, settings.Paths, settings.Skips);
        ResultsFolder.Prepare(settings.ResultsFolder);

        interruption.ListenToSignals();
        var environment = await context.Host.PrepareAsync(settings, Note, interruption.Token);
        foreach (var (name, value) in environment.Parameters)
            parameters[name] = value;

        // NUnit takes parameters only when it loads.
        var catalog = SuiteCatalog.Load(context.Suite, parameters, settings.Jobs);
        var plan = new RunPlan
        {
            Settings = settings,
            Environment = environment,
            Tests = PathSelection.Select(catalog.Tests, settings.Paths, settings.Skips),
            CommandLine = ["qemu-mig-test", .. args],
            Before = ResultsFolder.ComparableRecord(settings.ResultsFolder, environment),
        };
        var run = new SuiteRun(catalog, plan, Reporters.For(settings, context.Out, context.Error), context);
        interruption.WhenFired(run.Interrupt);
        var exitCode = await run.ExecuteAsync();
        interruption.LeftThreads = run.LeftTestsRunning;
        return exitCode;

        void Note(string line) => (settings.Tap ? context.Error : context.Out).Writer.WriteLine(line);
    }
}
