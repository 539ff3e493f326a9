using System.CommandLine;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

/// <summary>The command <c>qemu</c>: what is in the store of fetched builds.</summary>
internal static partial class QemuStoreCommands
{
    /// <summary>Examples for the help.</summary>
    public const string Examples =
        """
        Examples:
          qemu-mig-test qemu list                     show what can be fetched and what is there
          qemu-mig-test qemu fetch                    fetch the newest QEMU
          qemu-mig-test qemu fetch bookworm trixie    fetch others, or renew them
          qemu-mig-test qemu remove --all             remove all that were fetched
          qemu-mig-test qemu wrapper bookworm ./old   write a script that starts one of them
        """;

    /// <summary>The command, on the store of this user.</summary>
    public static Command Create(CommandContext context, Interruption interruption) => Create(context, interruption, () => new QemuStore());

    /// <summary>The command, on a store that is made when one of its subcommands runs.</summary>
    internal static Command Create(CommandContext context, Interruption interruption, Func<QemuStore> store) =>
        new("qemu", "Fetch, list, remove and start QEMU builds to test")
        {
            FetchCommand(context, interruption, store),
            ListCommand(context, store),
            RemoveCommand(context, store),
            WrapperCommand(context, store),
        };

    private static Argument<string[]> SuitesArgument(string description) => new("suite")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = $"{description}: {string.Join(", ", QemuStore.Suites)}",
        HelpName = "SUITE",
    };

    /// <exception cref="UsageException">There is no suite of one of those names.</exception>
    private static IReadOnlyList<QemuSuite> Suites(IEnumerable<string> names) => [.. names.Select(Suite).Distinct()];

    private static QemuSuite Suite(string name)
    {
        var meant = QemuStore.NearestSuite(name) is { } near ? $" Did you mean {near}?" : "";
        return QemuStore.Suite(name)
            ?? throw new UsageException($"There is no suite '{name}'.{meant} There are: {string.Join(", ", QemuStore.Suites)}.");
    }
}
