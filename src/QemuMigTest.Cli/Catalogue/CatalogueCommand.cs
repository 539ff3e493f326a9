using System.CommandLine;
using QemuMigTest.Cli.Run;

namespace QemuMigTest.Cli.Catalogue;

/// <summary><c>qemu-mig-test catalogue</c>.</summary>
internal sealed class CatalogueCommand(CommandContext context)
{
    public const string Examples =
        """
        Examples:
          qemu-mig-test run --qemu bookworm --results results/bookworm            a run on each build,
          qemu-mig-test run --qemu trixie-backports --results results/trixie-backports
          qemu-mig-test catalogue results/bookworm results/trixie-backports       and the page of them
          qemu-mig-test catalogue results/bookworm results/trixie-backports --check

        Exit codes: 0 written, or as it should be; 1 the page differs; 2 the command line is wrong; 3 the runs do not make a catalogue.
        """;

    private readonly Argument<string[]> _folders = new("folder")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "Results folders, each with the run.json of a run of the whole suite on one build",
        HelpName = "RESULTS_FOLDER",
    };

    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The page. Its links are relative to a folder in the root of the project.",
        HelpName = "FILE",
        DefaultValueFactory = _ => CataloguePage.DefaultFile,
    };

    private readonly Option<bool> _check = new("--check") { Description = "Write nothing; show the lines in which the page differs and return 1 if it does" };

    public Command Create()
    {
        var command = new Command("catalogue", "Makes the page that shows what becomes of every path on every build.") { _folders, _output, _check };
        command.SetAction(parsed => Execute(parsed.GetValue(_folders)!, parsed.GetValue(_output)!, parsed.GetValue(_check)));
        return command;
    }

    private int Execute(string[] folders, string output, bool check)
    {
        if (output.Length == 0)
            throw new UsageException("--output is empty, wanted the path of a file.");
        var suite = SuiteCatalog.Load(context.Suite, new Dictionary<string, string>(), 1).Tests;
        var runs = CatalogueRun.InOrder([.. folders.Select(folder => CatalogueRun.Read(folder, suite))]);
        var page = CataloguePage.Make(runs, suite, UpstreamPaths.Read());
        try
        {
            return check ? Check(page, output) : Write(page, output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--output: {e.Message}");
        }
    }

    private int Write(string page, string output)
    {
        File.WriteAllText(output, page);
        context.Out.Writer.WriteLine($"{output}: written");
        return ExitCode.Passed;
    }

    private int Check(string page, string output)
    {
        var differences = LineDifference.Between(File.ReadAllText(output), page);
        if (differences.Count == 0)
        {
            context.Out.Writer.WriteLine($"{output}: up to date");
            return ExitCode.Passed;
        }
        foreach (var line in differences)
            context.Out.Writer.WriteLine(line);
        context.Error.Writer.WriteLine($"qemu-mig-test: {output} is not what these runs make; - is in the page, + is what they make. Make it again without --check.");
        return ExitCode.Failed;
    }
}
