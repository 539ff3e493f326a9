using System.CommandLine;
using QemuMigTest.Binaries;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Cli.Run;
using QemuMigTest.Processes;

namespace QemuMigTest.Cli.Bench;

/// <summary><c>qemu-mig-test bench</c>.</summary>
internal sealed class BenchCommand(CommandContext context, Interruption interruption)
{
    /// <summary>Where upstream's harness is, if no option says it.</summary>
    public const string UpstreamVariable = "QEMU_MIG_TEST_UPSTREAM";

    public const string Examples =
        """
        Examples:
          qemu-mig-test bench --upstream ./upstream.sh
          qemu-mig-test bench --upstream ./upstream.sh -p /migration/precopy --repeat 5 --output -

        The script is called as SCRIPT run QEMU ARGUMENTS..., runs QEMU's own migration-test with these arguments, with ACCEL=tcg in
        the environment on TCG alone, and writes a line for each result, after its seconds: "   1.23 s  ok 1 /x86_64/migration/...".
        """;

    private readonly Option<string?> _upstream = new("--upstream")
    {
        Description = $"The script that runs upstream's harness. Else {UpstreamVariable}.",
        HelpName = "SCRIPT",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(UpstreamVariable),
    };

    private readonly Option<string> _qemu = new("--qemu")
    {
        Description = "The build to measure on: a path, or one of the store.",
        HelpName = "QEMU",
        DefaultValueFactory = _ => QemuStore.DefaultSuite.Name,
    };

    private readonly Option<int> _repeat = new("--repeat") { Description = "How often ours is run, with one job and with two.", HelpName = "N", DefaultValueFactory = _ => 3 };
    private readonly Option<int> _upstreamRepeat = new("--upstream-repeat") { Description = "How often upstream's is run.", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _output = new("--output", "-o") { Description = "The page; - for standard output.", HelpName = "FILE", DefaultValueFactory = _ => BenchmarkPage.DefaultFile };
    private readonly Option<string[]> _paths = RunOptions.CreatePaths();
    private readonly Option<string[]> _skips = RunOptions.CreateSkips();

    public Command Create()
    {
        var command = new Command("bench", "Measures the suite beside QEMU's own migration-test.") { _upstream, _qemu, _repeat, _upstreamRepeat, _output, _paths, _skips };
        command.SetAction((parsed, _) => RunAsync(parsed));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        var upstream = UpstreamOf(parsed.GetValue(_upstream));
        var (repeat, upstreamRepeat) = (parsed.GetValue(_repeat), parsed.GetValue(_upstreamRepeat));
        if (repeat < 1 || upstreamRepeat < 1)
            throw new UsageException("--repeat and --upstream-repeat are whole numbers from 1.");
        var output = parsed.GetValue(_output)!;
        if (output.Length == 0)
            throw new UsageException("--output is empty, wanted the path of a file, or - for standard output.");
        var tests = SuiteCatalog.Load(context.Suite, new Dictionary<string, string>(), 1).Tests;
        var selected = PathSelection.Select(tests, parsed.GetValue(_paths) ?? [], parsed.GetValue(_skips) ?? []);

        interruption.ListenToSignals();
        var qemu = parsed.GetValue(_qemu)!;
        var found = await QemuLocator.LocateAsync(new QemuLocatorRequest { Qemu = qemu }, progress: null, interruption.Token);
        using var scratch = ScratchDirectory.CreateRoot();
        var wrapper = scratch.File(QemuLocator.Command);
        QemuScript.Write(found.Source, wrapper);
        var result = await new Benchmark(
            new BenchmarkPlan
            {
                Upstream = upstream,
                Qemu = qemu,
                Wrapper = wrapper,
                SuitePaths = [.. tests.Select(test => test.Path)],
                SelectedPaths = [.. selected.Select(test => test.Path)],
                Repeat = repeat,
                UpstreamRepeat = upstreamRepeat,
                Scratch = scratch.Path,
            },
            context).MeasureAsync(interruption.Token);
        Write(BenchmarkPage.Make(result, BenchmarkPage.ReadReasons()), output);
        return ExitCode.Passed;
    }

    private void Write(string page, string output)
    {
        if (output == "-")
        {
            context.Out.Writer.Write(page);
            return;
        }
        try
        {
            File.WriteAllText(output, page);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What took so long to measure is not lost.
            context.Out.Writer.Write(page);
            throw new UsageException($"--output: {e.Message}");
        }
        context.Out.Writer.WriteLine($"{output}: written");
    }

    private static string UpstreamOf(string? given)
    {
        if (string.IsNullOrEmpty(given))
            throw new UsageException($"Upstream's harness is not part of this project: give the script that runs it with --upstream SCRIPT, or in {UpstreamVariable}.");
        return File.Exists(given) ? Path.GetFullPath(given) : throw new UsageException($"--upstream: there is no file {given}.");
    }
}
