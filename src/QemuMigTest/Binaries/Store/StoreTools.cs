using System.Diagnostics;
using QemuMigTest.Hosts;

namespace QemuMigTest.Binaries.Store;

/// <summary>Runs the programs of apt and dpkg, without a shell.</summary>
internal sealed class StoreTools
{
    public const string AptGet = "apt-get";
    public const string AptConfig = "apt-config";
    public const string DpkgDeb = "dpkg-deb";
    private static readonly TimeSpan InterruptGrace = TimeSpan.FromSeconds(1);
    private readonly IReadOnlyDictionary<string, string> _paths;

    private StoreTools(IReadOnlyDictionary<string, string> paths) => _paths = paths;

    /// <exception cref="QemuStoreException">One of them is missing.</exception>
    public static StoreTools Find(QemuStoreOptions options)
    {
        var paths = new Dictionary<string, string>();
        foreach (var (tool, package) in new[] { (AptGet, "apt"), (AptConfig, "apt"), (DpkgDeb, "dpkg") })
        {
            paths[tool] = ExecutableSearch.Find(tool, options.Environment("PATH")) ?? throw new QemuStoreException(
                $"{tool} was not found on PATH, and a QEMU cannot be fetched without it: install the package {package}, or {StoreRemedies.OwnQemu}.");
        }
        return new StoreTools(paths);
    }

    /// <summary>Runs one of the tools to its end.</summary>
    /// <exception cref="QemuStoreException">It could not be started.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the program and what it had started are dead.</exception>
    public Task<ToolResult> RunAsync(
        string tool, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken ct) =>
        RunFileAsync(_paths[tool], arguments, environment, ct);

    /// <inheritdoc cref="RunAsync"/>
    public static async Task<ToolResult> RunFileAsync(
        string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        start.Environment["LC_ALL"] = "C";

        using var process = Start(start);
        using var kill = ct.Register(() => process.Kill(entireProcessTree: true));
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var error = process.StandardError.ReadToEndAsync(ct);
        // Without the token: the caller deletes the folder that this process writes to, and must not do so while it runs.
        await process.WaitForExitAsync(CancellationToken.None);
        ct.ThrowIfCancellationRequested();
        var result = new ToolResult(Path.GetFileName(file), process.ExitCode, await output, await error);
        // A terminal sends Ctrl-C to the program too, whose end may be seen before our own token fires.
        if (result.WasInterrupted) await Task.Delay(InterruptGrace, TimeProvider.System, ct);
        return result;
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new QemuStoreException($"{start.FileName} could not be started.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new QemuStoreException($"{start.FileName} could not be started: {e.Message}", e);
        }
    }
}
