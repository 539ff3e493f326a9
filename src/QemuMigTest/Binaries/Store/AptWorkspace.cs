namespace QemuMigTest.Binaries.Store;

/// <summary>An apt of our own in a folder: own lists, cache, status and settings, so that the machine's own state is neither asked nor changed.</summary>
/// <remarks>
/// Only how to reach a mirror is taken from the machine's settings (proxies, certificates, whether old lists are accepted), and from
/// <c>auth.conf</c>. What to install is decided by the wanted suites alone: no pins, no installed packages, no hooks.
/// </remarks>
internal sealed class AptWorkspace
{
    private const string Package = "qemu-system-x86";

    // Of the settings under these, none can make an unsigned archive acceptable.
    private static readonly string[] Transport =
    [
        "Acquire::http::", "Acquire::https::", "Acquire::http ", "Acquire::https ", "Acquire::ForceIPv4 ", "Acquire::ForceIPv6 ",
        "Acquire::Check-Valid-Until ", "Acquire::Check-Date ", "Acquire::Max-FutureTime ",
    ];

    private readonly StoreTools _tools;
    private readonly QemuSuite _suite;
    private readonly string _folder;
    private readonly Dictionary<string, string> _environment;

    private AptWorkspace(StoreTools tools, QemuSuite suite, string folder)
    {
        (_tools, _suite, _folder) = (tools, suite, folder);
        _environment = new() { ["APT_CONFIG"] = At("apt.conf"), ["TMPDIR"] = At("tmp") };
    }

    /// <summary>Where complete archives appear; apt moves them there when their hash was checked.</summary>
    public string Archives => At("cache/archives");

    /// <exception cref="QemuStoreException">apt's settings could not be read.</exception>
    public static async Task<AptWorkspace> CreateAsync(
        StoreTools tools, QemuSuite suite, string folder, string mirror, string keyring, CancellationToken ct)
    {
        var workspace = new AptWorkspace(tools, suite, folder);
        foreach (var name in new[] { "lists/partial", "cache/archives/partial", "state", "log", "tmp" }) Directory.CreateDirectory(workspace.At(name));
        await File.WriteAllTextAsync(workspace.At("state/status"), "", ct);
        await File.WriteAllTextAsync(workspace.At("sources.list"), SourcesList(suite, mirror, keyring), ct);
        var machine = (await tools.RunAsync(StoreTools.AptConfig, ["dump", "--no-empty"], new Dictionary<string, string>(), ct))
            .OrThrow("Reading apt's settings");
        await File.WriteAllTextAsync(workspace.At("apt.conf"), Settings(folder, machine.Output), ct);
        return workspace;
    }

    /// <summary>Downloads the package lists and checks their signatures.</summary>
    public async Task UpdateAsync(CancellationToken ct) =>
        (await _tools.RunAsync(StoreTools.AptGet, ["-q", "update"], _environment, ct))
            .OrThrow($"Fetching the package lists of {string.Join(" and ", _suite.Sources)}");

    /// <summary>What would be downloaded.</summary>
    public async Task<IReadOnlyList<AptArchive>> PlanAsync(CancellationToken ct)
    {
        var what = $"Choosing the packages of {_suite}";
        var printed = (await _tools.RunAsync(StoreTools.AptGet, [.. Install, "--print-uris"], _environment, ct)).OrThrow(what);
        var archives = AptArchive.Parse(printed.Output);
        return archives.Any(archive => archive.Package == Package) ? archives : throw printed.Failure(what, $"{Package} is not among them");
    }

    /// <summary>Downloads them into <see cref="Archives"/>.</summary>
    public async Task DownloadAsync(CancellationToken ct) =>
        (await _tools.RunAsync(StoreTools.AptGet, [.. Install, "--download-only"], _environment, ct))
            .OrThrow($"Downloading the packages of {_suite}");

    /// <summary>The bytes of <paramref name="archives"/> that are there, also of those that are not yet complete.</summary>
    public long Downloaded(IEnumerable<AptArchive> archives)
    {
        var partial = Path.Combine(Archives, "partial");
        return archives.Sum(archive => Math.Min(archive.Size, Math.Max(Length(Archives, archive), Length(partial, archive))));
    }

    /// <summary>The version of the QEMU package in a plan.</summary>
    public static string QemuVersion(IEnumerable<AptArchive> archives) => archives.First(archive => archive.Package == Package).Version;

    /// <summary>The sources of a suite: always signed, and of one architecture whatever others the machine has.</summary>
    internal static string SourcesList(QemuSuite suite, string mirror, string keyring)
    {
        // apt uses the files of a `file:` mirror where they are, and would leave the archives folder empty.
        var address = mirror.StartsWith("file:", StringComparison.Ordinal) ? "copy:" + mirror["file:".Length..] : mirror;
        return string.Concat(suite.Sources.Select(source => $"deb [arch=amd64 signed-by={keyring}] {address} {source} main\n"));
    }

    /// <summary>An apt.conf. It is read before the machine's own, and keeps that from being read.</summary>
    internal static string Settings(string folder, string machineSettings)
    {
        var kept = machineSettings.Split('\n').Where(line => Transport.Any(prefix => line.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)));
        return $"""
            {string.Join('\n', kept)}
            Dir::Etc::main "/dev/null";
            Dir::Etc::parts "/dev/null";
            Dir::Etc::sourcelist "{folder}/sources.list";
            Dir::Etc::sourceparts "/dev/null";
            Dir::Etc::preferences "/dev/null";
            Dir::Etc::preferencesparts "/dev/null";
            Dir::State "{folder}/state";
            Dir::State::lists "{folder}/lists";
            Dir::State::status "{folder}/state/status";
            Dir::Cache "{folder}/cache";
            Dir::Cache::archives "{folder}/cache/archives";
            Dir::Cache::srcpkgcache "";
            Dir::Log "{folder}/log";
            APT::Architecture "amd64";
            APT::Architectures "amd64";
            APT::Install-Recommends "0";
            APT::Sandbox::User "root";
            APT::Get::AllowUnauthenticated "0";
            APT::Update::Error-Mode "any";
            Acquire::AllowInsecureRepositories "0";
            Acquire::AllowWeakRepositories "0";
            Acquire::AllowDowngradeToInsecureRepositories "0";
            Acquire::Languages "none";
            Acquire::PDiffs "0";
            Acquire::Retries "1";
            Debug::NoLocking "1";

            """;
    }

    private IEnumerable<string> Install => ["-q", "install", "-y", "-t", _suite.Name, Package];

    private static long Length(string folder, AptArchive archive)
    {
        var file = new FileInfo(Path.Combine(folder, archive.FileName));
        return file.Exists ? file.Length : 0;
    }

    private string At(string relative) => Path.Combine(_folder, relative);
}
