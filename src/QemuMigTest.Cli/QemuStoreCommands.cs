using System.CommandLine;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

/// <summary>The command <c>qemu</c>: what is in the store of fetched builds.</summary>
internal static partial class QemuStoreCommands
{
    private const int Ok = 0;
    private const int Failed = 1;
    private const int Misused = 2;

    // What a shell shows for a command that Ctrl-C ended.
    private const int Interrupted = 130;

    /// <summary>The command, on the store of this user.</summary>
    public static Command Create() => Create(() => new QemuStore());

    /// <summary>The command, on a store that is made when one of its subcommands runs.</summary>
    internal static Command Create(Func<QemuStore> store) => new("qemu", "Fetch, list and remove the QEMU builds to test")
    {
        FetchCommand(store),
        ListCommand(store),
        RemoveCommand(store),
    };

    private static Argument<string[]> SuitesArgument(string description) => new("SUITE")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = $"{description}: {string.Join(", ", QemuStore.Suites)}",
        HelpName = "SUITE",
    };

    /// <summary>The suites of those names without repetition; null, and an error, if one does not exist.</summary>
    private static List<QemuSuite>? Suites(IReadOnlyList<string> names, TextWriter error)
    {
        if (names.FirstOrDefault(name => QemuStore.Suite(name) is null) is { } unknown)
        {
            var meant = QemuStore.NearestSuite(unknown) is { } near ? $" Did you mean {near}?" : "";
            error.WriteLine($"There is no suite {unknown}.{meant} Known are: {string.Join(", ", QemuStore.Suites)}.");
            return null;
        }
        return [.. names.Select(QemuStore.Suite).OfType<QemuSuite>().Distinct()];
    }
}
