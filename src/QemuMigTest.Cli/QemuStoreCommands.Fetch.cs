using System.CommandLine;
using System.Globalization;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static Command FetchCommand(CommandContext context, Interruption interruption, Func<QemuStore> store)
    {
        var names = SuitesArgument($"The suites to fetch from; without any, {QemuStore.DefaultSuite}. One or more of");
        var all = new Option<bool>("--all") { Description = "Fetch from all of them" };
        var command = new Command("fetch", "Fetch builds, renew those of which there is something newer, mend damaged ones") { names, all };
        command.SetAction(parsed =>
        {
            var given = parsed.GetValue(names) ?? [];
            if (given.Length > 0 && parsed.GetValue(all)) throw new UsageException("Name suites or pass --all, not both.");
            var suites = parsed.GetValue(all) ? QemuStore.Suites : given.Length == 0 ? [QemuStore.DefaultSuite] : Suites(given);
            interruption.ListenToSignals();
            return FetchAsync(context, store(), suites, interruption.Token);
        });
        return command;
    }

    private static async Task<int> FetchAsync(CommandContext context, QemuStore store, IReadOnlyList<QemuSuite> suites, CancellationToken ct)
    {
        foreach (var suite in suites)
        {
            var started = context.Time.GetTimestamp();
            try
            {
                var build = await QemuStoreCommandsProgress.RunAsync(context.Error, progress => store.FetchAsync(suite, progress, ct));
                var seconds = context.Time.GetElapsedTime(started).TotalSeconds;
                await context.Out.Writer.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                    $"{suite}: QEMU {build.Version} ({build.PackageVersion}), {build.SizeBytes / 1e6:F0} MB in {build.Path}, {seconds:F1} s"));
            }
            catch (QemuStoreException e)
            {
                await context.Error.Writer.WriteLineAsync($"{suite}: {e.Message}");
                return ExitCode.Failed;
            }
        }
        return ExitCode.Passed;
    }
}
