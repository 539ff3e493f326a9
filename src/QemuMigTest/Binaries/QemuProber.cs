using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Binaries;

/// <summary>Asks a QEMU build what it can do.</summary>
public sealed class QemuProber(ProcessSpawner spawner, ScratchDirectory scratch, TimeLimits limits, ProbeCache cache)
{
    private const string Machine = "q35";
    private const string AcceleratorForAll = "tcg";

    /// <summary>What a build can do: from the cache when the binary has not changed, else asked of it.</summary>
    /// <exception cref="QemuStartException">It does not start, is no QEMU, or starts no machine.</exception>
    public async Task<QemuBinary> ProbeAsync(QemuLaunch launch, CancellationToken ct)
    {
        if (cache.Find(launch) is { } known)
        {
            return known;
        }

        var asked = await AskAsync(launch, ct);
        cache.Store(launch, asked);
        return asked;
    }

    private async Task<QemuBinary> AskAsync(QemuLaunch launch, CancellationToken ct)
    {
        using var folder = scratch.CreateChild("probe");
        var binary = await UnlessUnusableAsync(folder, $"{launch.Name} does not answer as a QEMU does. Is it a qemu-system-x86_64?", async () =>
        {
            await using var qemu = await StartAsync(launch, folder, "probe", ["-machine", "none"], ct);
            var asked = await AskAsync(qemu, launch, ct);
            await qemu.QuitAsync(ct);
            return asked;
        });
        // Without its firmware it answers all questions, and starts no machine. Whether KVM works here is asked elsewhere.
        return binary.FindMachine(Machine) is null || !binary.Accelerators.Contains(AcceleratorForAll) ? binary : await UnlessUnusableAsync(
            folder, $"{launch.Name} starts no {Machine} machine. A build that is not installed may need to be told where its firmware is: write a script that starts it with -L FOLDER, and give that.", async () =>
            {
                await using var qemu = await StartAsync(launch, folder, $"probe-{Machine}", ["-machine", Machine, "-accel", AcceleratorForAll, "-m", "32M"], ct);
                await qemu.QuitAsync(ct);
                return binary;
            });
    }

    private Task<QemuProcess> StartAsync(QemuLaunch launch, ScratchDirectory folder, string name, IEnumerable<string> arguments, CancellationToken ct) =>
        QemuProcess.StartAsync(new QemuProcessOptions
        {
            Name = name,
            Launch = launch,
            CommandLine = new QemuCommandLine().With("-no-user-config").With("-nodefaults").With("-display", "none").With("-S").With(arguments),
            Scratch = folder,
            Limits = limits,
            QTest = false,
            Serial = false,
        }, spawner, ct);

    // What reading an answer throws that is JSON, and not what QEMU's schema promises.
    private static bool IsOfAnotherShape(Exception e) =>
        e is KeyNotFoundException or FormatException or ArgumentException or InvalidOperationException and not ObjectDisposedException;

    private static async Task<QemuBinary> UnlessUnusableAsync(ScratchDirectory folder, string otherwise, Func<Task<QemuBinary>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (ScratchWriteException.IsBehind(e))
        {
            throw ScratchWriteException.In(folder.Path, e);
        }
        catch (Exception e) when (e is QemuStartException or WaitTimeoutException or QemuExitedException or Qmp.QmpException || IsOfAnotherShape(e))
        {
            throw new QemuStartException($"{otherwise} {e.Message}", e);
        }
    }

    private static async Task<QemuBinary> AskAsync(QemuProcess qemu, QemuLaunch launch, CancellationToken ct)
    {
        Task<JsonElement> Ask(string command, JsonObject? arguments = null) => qemu.ExecuteAsync(command, arguments, ct);
        async Task<HashSet<string>> Types(string implements) => Names(await Ask("qom-list-types", new() { ["implements"] = implements, ["abstract"] = false }), "name");

        var schema = new QmpSchema(await Ask("query-qmp-schema"));
        var greeting = qemu.Qmp.Greeting;
        return new QemuBinary
        {
            Launch = launch,
            Version = new QemuVersion(greeting.Major, greeting.Minor, greeting.Micro, greeting.Package.Trim(' ', '(', ')')),
            Accelerators = (await Types("accel")).Select(name => name.Replace("-accel", "", StringComparison.Ordinal)).ToHashSet(),
            Machines = [.. (await Ask("query-machines")).EnumerateArray().Select(machine => new MachineType(
                Text(machine, "name"),
                machine.TryGetProperty("alias", out var alias) ? alias.GetString() : null,
                machine.TryGetProperty("deprecated", out var deprecated) && deprecated.GetBoolean()))],
            MigrationCapabilities = Names(await Ask("query-migrate-capabilities"), "capability"),
            Commands = schema.Commands(),
            Events = schema.Events(),
            TlsError = await TlsProbe.AskAsync(Ask),
            Types = (await Types("device")).Union(await Types("user-creatable")).ToHashSet(),
            Options = (await Ask("query-command-line-options")).EnumerateArray().ToDictionary(
                option => Text(option, "option"),
                option => (IReadOnlyList<string>)[.. Names(option.GetProperty("parameters"), "name")]),
        };
    }

    private static HashSet<string> Names(JsonElement array, string property) =>
        array.EnumerateArray().Select(item => Text(item, property)).ToHashSet();

    private static string Text(JsonElement item, string property) =>
        item.GetProperty(property).GetString() ?? throw new FormatException($"'{property}' is null, wanted a text.");
}
