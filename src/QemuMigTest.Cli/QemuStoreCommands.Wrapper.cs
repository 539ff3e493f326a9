using System.CommandLine;
using QemuMigTest.Binaries;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static Command WrapperCommand(CommandContext context, Func<QemuStore> store)
    {
        var name = new Argument<string>("suite") { Description = $"The suite whose build to start: {string.Join(", ", QemuStore.Suites)}", HelpName = "SUITE" };
        var file = new Argument<string?>("file")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "The script; SUITE-system-x86_64 in this folder, if not given. What exists is replaced",
            HelpName = "FILE",
        };
        var command = new Command("wrapper", "Write a script that starts a fetched build like any executable, by its own loader") { name, file };
        command.SetAction(parsed =>
        {
            var suite = Suite(parsed.GetValue(name)!);
            var wanted = parsed.GetValue(file) ?? $"{suite.Name}-system-x86_64";
            if (wanted.Length == 0)
                throw new UsageException("FILE is empty, wanted the path of a file.");
            var path = Path.GetFullPath(wanted);
            if (store().Find(suite.Name) is not { Damage: null } build)
                throw new UsageException($"{suite.Name} is not fetched, or is damaged: qemu-mig-test qemu fetch {suite.Name}");
            try
            {
                QemuScript.Write(build.Launch, path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"The script can not be written: {e.Message}");
            }
            context.Out.Writer.WriteLine(path);
            return ExitCode.Passed;
        });
        return command;
    }
}
