using System.CommandLine;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static Command RemoveCommand(Func<QemuStore> store)
    {
        var names = SuitesArgument("The suites whose builds to remove");
        var all = new Option<bool>("--all") { Description = "Remove all of them" };
        var command = new Command("remove", "Remove fetched builds") { names, all };
        command.SetAction(parsed =>
        {
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            var given = parsed.GetValue(names) ?? [];
            if (given.Length > 0 == parsed.GetValue(all))
            {
                error.WriteLine("Name the suites to remove, or pass --all.");
                return Misused;
            }
            var suites = parsed.GetValue(all) ? [.. QemuStore.Suites] : Suites(given, error);
            if (suites is null) return Misused;

            try
            {
                foreach (var suite in suites)
                {
                    if (store().Remove(suite)) output.WriteLine($"{suite}: removed");
                    else if (!parsed.GetValue(all)) output.WriteLine($"{suite}: was not there");
                }
                return Ok;
            }
            catch (QemuStoreException e)
            {
                error.WriteLine(e.Message);
                return Failed;
            }
        });
        return command;
    }
}
