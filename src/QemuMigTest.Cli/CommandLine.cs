using System.CommandLine;
using System.CommandLine.Help;
using QemuMigTest.Cli.Bench;
using QemuMigTest.Cli.Catalogue;
using QemuMigTest.Cli.Run;
using QemuMigTest.Cli.Streams;

namespace QemuMigTest.Cli;

/// <summary>The commands, and what becomes of a command line that is wrong.</summary>
internal static class CommandLine
{
    /// <summary>Runs a command line.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CommandContext context, Interruption interruption)
    {
        var root = CreateRoot(context, interruption, args);
        var parsed = root.Parse(args);
        // Help and version come first, whatever else is wrong.
        if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
            return Refuse(context, MessageOf(parsed), parsed.CommandResult.Command);
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = context.Out.Writer,
                Error = context.Error.Writer,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (Exception e) when (interruption.Reason is not null && (e is OperationCanceledException or QemuMigTestException or IOException or UnauthorizedAccessException))
        {
            // A preparation that is ended half-way may say so in either way.
            Say(context, $"Ended by {interruption.Reason}.");
            return interruption.ExitCode;
        }
        catch (UsageException e)
        {
            return Refuse(context, e.Message, parsed.CommandResult.Command);
        }
        catch (Exception e) when (e is QemuMigTestException or IOException or UnauthorizedAccessException)
        {
            Say(context, e.Message);
            return ExitCode.NothingRun;
        }
    }

    private static RootCommand CreateRoot(CommandContext context, Interruption interruption, IReadOnlyList<string> args)
    {
        var run = new RunCommand(context, interruption, args);
        var list = new ListCommand(context);
        var root = new RootCommand("Tests live migration of QEMU: migrates a guest from one QEMU into another in every way QEMU has, and proves that nothing was lost.");
        var runCommand = run.Create();
        var listCommand = list.Create();
        root.Subcommands.Add(runCommand);
        root.Subcommands.Add(listCommand);
        var qemuCommand = QemuStoreCommands.Create(context, interruption);
        root.Subcommands.Add(qemuCommand);
        var catalogueCommand = new CatalogueCommand(context).Create();
        root.Subcommands.Add(catalogueCommand);
        var benchCommand = new BenchCommand(context, interruption).Create();
        root.Subcommands.Add(benchCommand);
        var streamCommand = new StreamCommand(context, interruption.Token).Create();
        root.Subcommands.Add(streamCommand);

        root.Options.OfType<VersionOption>().Single().Action = new PrintAction(_ => $"qemu-mig-test {CommandContext.Version}");
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!, new Dictionary<Command, string>
        {
            [root] = RootExamples,
            [runCommand] = RunCommand.Examples,
            [listCommand] = ListCommand.Examples,
            [qemuCommand] = QemuStoreCommands.Examples,
            [catalogueCommand] = CatalogueCommand.Examples,
            [benchCommand] = BenchCommand.Examples,
            [streamCommand] = StreamCommand.Examples,
        });
        return root;
    }

    private const string RootExamples =
        """
        Examples:
          qemu-mig-test run                           run the suite on the QEMU that is found
          qemu-mig-test run -p /migration/postcopy    run a part of it
          qemu-mig-test list                          show the tests and what they need
          qemu-mig-test stream FILE                   show what a migration stream consists of

        Exit codes:
          0  everything that ran passed      2  the command line is wrong
          1  a test failed                   3  nothing could be tested
          129, 130, 131, 143  ended by SIGHUP, Ctrl-C, SIGQUIT, SIGTERM
        """;

    private static string MessageOf(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is not RootCommand root)
            return parsed.Errors[0].Message;
        var commands = string.Join(", ", root.Subcommands.Select(command => command.Name));
        return parsed.UnmatchedTokens is [var first, ..]
            ? $"There is no command or option '{first}'. The commands are: {commands}."
            : $"A command is missing. The commands are: {commands}.";
    }

    private static int Refuse(CommandContext context, string message, Command command)
    {
        Say(context, message);
        context.Error.Writer.WriteLine($"Try '{PathOf(command)} --help'.");
        return ExitCode.Usage;
    }

    private static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : "qemu-mig-test";

    private static void Say(CommandContext context, string message) => context.Error.Writer.WriteLine($"qemu-mig-test: {message}");
}
