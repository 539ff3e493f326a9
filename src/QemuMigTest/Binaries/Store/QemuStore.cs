namespace QemuMigTest.Binaries.Store;

/// <summary>QEMU builds of Debian, fetched as an ordinary user with their signatures checked, and unpacked with the libraries they need.</summary>
/// <remarks>A build runs on any x86-64 Linux by its own loader; nothing is installed, and the machine's own apt is neither asked nor changed.</remarks>
public sealed class QemuStore
{
    /// <summary>The environment variable that sets the mirror, before whatever the machine's own sources name.</summary>
    public const string MirrorVariable = "QEMU_MIG_TEST_DEBIAN_MIRROR";

    private readonly QemuStoreOptions _options;

    public QemuStore() : this(new QemuStoreOptions())
    {
    }

    public QemuStore(QemuStoreOptions options) => _options = options with { Root = Path.GetFullPath(options.Root) };

    /// <summary>The suites that can be fetched, oldest QEMU first.</summary>
    public static IReadOnlyList<QemuSuite> Suites { get; } =
    [
        new("bookworm", "bookworm", "7.2"),
        new("bookworm-backports", "bookworm", "10.0"),
        new("trixie", "trixie", "10.0"),
        new("trixie-backports", "trixie", "11.1"),
    ];

    /// <summary>What is fetched when nothing is said: the newest QEMU.</summary>
    public static QemuSuite DefaultSuite => Suites[^1];

    /// <summary>The folder that holds the builds, absolute.</summary>
    public string Root => _options.Root;

    /// <summary>The suite of exactly that name, or null.</summary>
    public static QemuSuite? Suite(string name) => Suites.FirstOrDefault(suite => suite.Name == name);

    /// <summary>The name of a suite that was probably meant, or null.</summary>
    public static string? NearestSuite(string name) => SuiteNames.Nearest(name, Suites.Select(suite => suite.Name));

    /// <summary>What is in the store, damaged builds too, in the order of <see cref="Suites"/>.</summary>
    public IReadOnlyList<StoredQemu> List() => [.. Suites.Select(suite => Find(suite.Name)).OfType<StoredQemu>()];

    /// <summary>The build of that suite, damaged or not; null when there is none, or no such suite.</summary>
    public StoredQemu? Find(string name) =>
        Suite(name) is { } suite && StorePaths.Build(Root, suite) is var path && Directory.Exists(path) ? StoredQemu.Read(suite, path) : null;

    /// <summary>Fetches a suite's QEMU; a build that is there is renewed if the suite has a newer one, and mended if it is damaged.</summary>
    /// <param name="suite">One of <see cref="Suites"/>.</param>
    /// <param name="progress">Told how far it is, from any thread; several times a second.</param>
    /// <param name="ct">Ends apt and leaves nothing half done.</param>
    /// <exception cref="QemuStoreException">What failed, what apt said, and the remedy.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task<StoredQemu> FetchAsync(QemuSuite suite, IProgress<StoreProgress>? progress, CancellationToken ct)
    {
        CheckRoot();
        var started = _options.Time.GetUtcNow();
        try
        {
            Directory.CreateDirectory(Root);
            var waiting = new StoreProgress(StoreStage.Waiting, 0, 0, $"{suite}: another process works on it; waiting for it to end");
            using var held = await StoreLock.AcquireAsync(StorePaths.Lock(Root, suite), () => progress?.Report(waiting), ct);
            foreach (var left in StorePaths.Left(Root, suite)) Sweep(left, suite);
            var stored = Find(suite.Name);
            if (stored is { Damage: null } && stored.Fetched >= started)
            {
                progress?.Report(new(StoreStage.Done, 0, 0, $"{suite}: QEMU {stored.Version}, fetched by the other process"));
                return stored;
            }
            return await new StoreFetch(_options, suite, progress).RunAsync(stored, ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QemuStoreException($"Fetching {suite} into {Root} failed: {e.Message}\n{StoreRemedies.For(e.Message)}", e);
        }
    }

    /// <summary>Deletes a suite's build.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="QemuStoreException">It is being fetched, or cannot be deleted.</exception>
    public bool Remove(QemuSuite suite)
    {
        if (!Directory.Exists(Root)) return false;
        try
        {
            using var held = StoreLock.TryAcquire(StorePaths.Lock(Root, suite))
                ?? throw new QemuStoreException($"{suite} is being fetched by another process: end that, or wait for its end, and remove it then.");
            foreach (var left in StorePaths.Left(Root, suite)) Sweep(left, suite);
            var path = StorePaths.Build(Root, suite);
            if (!Directory.Exists(path)) return false;
            // Renamed first: cut off in the middle, this leaves no damaged build but something to sweep.
            Sweep(path, suite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QemuStoreException($"{suite} cannot be removed from {Root}: {e.Message}\nRemove the folder by hand.", e);
        }
    }

    /// <summary>Renames and deletes: what an apt that outlived its fetch still writes there has no place to go any more.</summary>
    private void Sweep(string folder, QemuSuite suite)
    {
        var dead = StorePaths.NewWork(Root, suite);
        Directory.Move(folder, dead);
        StoreFolders.Delete(dead);
    }

    /// <summary>The loader splits its library path at colons and expands dollars; apt's settings are quoted.</summary>
    private void CheckRoot()
    {
        if (Root.IndexOfAny([':', ';', '$', '"', '\\', '\n']) is >= 0 and var at)
        {
            throw new QemuStoreException($"The store's folder {Root} has `{Root[at]}` in its name, which neither the loader nor apt can take: set XDG_CACHE_HOME to another folder.");
        }
    }
}
