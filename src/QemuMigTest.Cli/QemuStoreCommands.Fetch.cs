using System.CommandLine;
using System.Globalization;
using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Cli;

internal static partial class QemuStoreCommands
{
    private static Command FetchCommand(Func<QemuStore> store)
    {
        var names = SuitesArgument($"The suites to fetch from; without any, {QemuStore.DefaultSuite}. One of");
        var all = new Option<bool>("--all") { Description = "Fetch from all of them" };
        var command = new Command("fetch", "Fetch builds, renew those of which there is something newer, mend damaged ones") { names, all };
        command.SetAction(async (parsed, ct) =>
        {
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            var given = parsed.GetValue(names) ?? [];
            if (given.Length > 0 && parsed.GetValue(all))
            {
                await error.WriteLineAsync("Name suites or pass --all, not both.");
                return Misused;
            }
            var suites = parsed.GetValue(all) ? [.. QemuStore.Suites] : given.Length == 0 ? [QemuStore.DefaultSuite] : Suites(given, error);
            if (suites is null) return Misused;

            var onTerminal = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
            foreach (var suite in suites)
            {
                var code = await FetchAsync(store(), suite, onTerminal, output, error, ct);
                if (code != Ok) return code;
            }
            return Ok;
        });
        return command;
    }

    private static async Task<int> FetchAsync(QemuStore store, QemuSuite suite, bool onTerminal, TextWriter output, TextWriter error, CancellationToken ct)
    {
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            var build = await QemuStoreCommandsProgress.RunAsync(onTerminal, error, progress => store.FetchAsync(suite, progress, ct));
            var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{suite}: QEMU {build.Version} ({build.PackageVersion}), {build.SizeBytes / 1e6:F0} MB in {build.Path}, {seconds:F1} s"));
            return Ok;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await error.WriteLineAsync($"{suite}: interrupted; nothing was changed.");
            return Interrupted;
        }
        catch (QemuStoreException e)
        {
            await error.WriteLineAsync($"{suite}: {e.Message}");
            return Failed;
        }
    }
}
