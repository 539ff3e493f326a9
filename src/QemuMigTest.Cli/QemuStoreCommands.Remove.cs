using System.CommandLine;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static Command RemoveCommand(CommandContext context, Func<QemuStore> store)
    {
        var names = SuitesArgument("The suites whose builds to remove, one or more of");
        var all = new Option<bool>("--all") { Description = "Remove all of them" };
        var command = new Command("remove", "Remove fetched builds") { names, all };
        command.SetAction(parsed =>
        {
            var given = parsed.GetValue(names) ?? [];
            if (given.Length > 0 == parsed.GetValue(all)) throw new UsageException("Name the suites to remove, or pass --all.");
            var suites = parsed.GetValue(all) ? QemuStore.Suites : Suites(given);
            try
            {
                foreach (var suite in suites)
                {
                    if (store().Remove(suite)) context.Out.Writer.WriteLine($"{suite}: removed");
                    else if (!parsed.GetValue(all)) context.Out.Writer.WriteLine($"{suite}: was not there");
                }
                return ExitCode.Passed;
            }
            catch (QemuStoreException e)
            {
                context.Error.Writer.WriteLine(e.Message);
                return ExitCode.Failed;
            }
        });
        return command;
    }
}
