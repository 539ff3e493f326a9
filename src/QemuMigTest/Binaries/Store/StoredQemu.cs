using System.Text.Json;
using QemuMigTest.Hosts;

namespace QemuMigTest.Binaries.Store;

/// <summary>A build in the store. It may be damaged: see <see cref="Damage"/>.</summary>
public sealed record StoredQemu
{
    private const string Binary = "usr/bin/qemu-system-x86_64";
    private const string Loader = "ld-linux-x86-64.so.2";

    // The links in lib64 are absolute in bookworm and would lead to the loader of this machine.
    private static readonly string[] LibraryFolders = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
    private static readonly string[] DataFolders = ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"];

    public required QemuSuite Suite { get; init; }

    /// <summary>The QEMU version such as <c>11.1.3</c>; null when the build is damaged beyond telling.</summary>
    public string? Version { get; init; }

    /// <summary>The Debian version of the package, with epoch; null when the build is damaged beyond telling.</summary>
    public string? PackageVersion { get; init; }

    /// <summary>The bytes of its files; 0 when the build is damaged beyond telling.</summary>
    public long SizeBytes { get; init; }

    /// <summary>When it was fetched; null when the build is damaged beyond telling.</summary>
    public DateTimeOffset? Fetched { get; init; }

    /// <summary>The packages it was unpacked from; empty when the build is damaged beyond telling.</summary>
    public IReadOnlyList<StorePackage> Packages { get; init; } = [];

    /// <summary>The folder of the build, absolute.</summary>
    public required string Path { get; init; }

    /// <summary>What is wrong with the build; null when nothing is. Fetching it again mends it.</summary>
    public string? Damage { get; init; }

    /// <summary>How it is started: by its own loader, with its own libraries. Of no use while the build is damaged.</summary>
    public required QemuLaunch Launch { get; init; }

    /// <summary>Where in a build's folder the packages are unpacked.</summary>
    internal static string RootOf(string path) => System.IO.Path.Combine(path, "root");

    /// <summary>Reads a build's folder; never fails on what is in it, but says what is wrong.</summary>
    internal static StoredQemu Read(QemuSuite suite, string path)
    {
        var root = RootOf(path);
        var stored = new StoredQemu { Suite = suite, Path = path, Launch = LaunchOf(suite.Name, root) };
        try
        {
            var manifest = StoreManifest.Read(path);
            stored = stored with
            {
                Version = manifest.QemuVersion,
                PackageVersion = manifest.PackageVersion,
                SizeBytes = manifest.SizeBytes,
                Fetched = manifest.Fetched,
                Packages = manifest.Packages,
            };
            if (manifest.Suite != suite.Name)
            {
                return stored with { Damage = $"{StoreManifest.FileName} tells of {manifest.Suite}" };
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return stored with { Damage = $"{StoreManifest.FileName} cannot be read: {e.Message}" };
        }

        var missing = new[] { stored.Launch.Executable, stored.Launch.FileName }.FirstOrDefault(file => !ExecutableSearch.IsExecutable(file));
        return missing is null
            ? stored
            : stored with { Damage = $"{System.IO.Path.GetRelativePath(path, missing)} is missing or not executable" };
    }

    internal static QemuLaunch LaunchOf(string name, string root)
    {
        string At(string relative) => System.IO.Path.Combine(root, relative);
        var loaders = LibraryFolders.Select(folder => At(System.IO.Path.Combine(folder, Loader))).ToList();
        return new()
        {
            Name = name,
            Executable = At(Binary),
            FileName = loaders.FirstOrDefault(File.Exists, loaders[0]),
            PrefixArguments =
            [
                "--library-path", string.Join(':', LibraryFolders.Select(At)),
                At(Binary),
                .. DataFolders.SelectMany(folder => new[] { "-L", At(folder) }),
            ],
            Environment = new Dictionary<string, string> { ["QEMU_MODULE_DIR"] = At("usr/lib/x86_64-linux-gnu/qemu") },
        };
    }
}
