using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Binaries.Store;

/// <summary>One fetch, made in a folder of its own that becomes the build by a rename at the end. The suite's lock is held.</summary>
internal sealed partial class StoreFetch(QemuStoreOptions options, QemuSuite suite, IProgress<StoreProgress>? progress)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Fetches the suite; what is stored stays when it is whole and the suite has nothing newer.</summary>
    public async Task<StoredQemu> RunAsync(StoredQemu? stored, CancellationToken ct)
    {
        var tools = StoreTools.Find(options);
        var mirror = DebianMirror.Find(options);
        if (!File.Exists(options.Keyring))
        {
            throw new QemuStoreException($"{options.Keyring} is missing, and without it no signature can be checked: install debian-archive-keyring, or {StoreRemedies.OwnQemu}.");
        }

        var work = StorePaths.NewWork(options.Root, suite);
        // Set-user-id programs are among what is unpacked: until they are tidied away nobody else may reach them.
        Directory.CreateDirectory(work, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            Report(StoreStage.Lists, 0, 0, $"{suite}: package lists");
            var apt = await AptWorkspace.CreateAsync(tools, suite, Path.Combine(work, "apt"), mirror, options.Keyring, ct);
            await apt.UpdateAsync(ct);
            var plan = await apt.PlanAsync(ct);
            if (stored is { Damage: null } && Holds(stored, plan))
            {
                Report(StoreStage.Done, 0, 0, $"{suite}: QEMU {stored.Version} is there, and {suite} has nothing newer");
                return stored;
            }

            var entry = Path.Combine(work, "entry");
            var root = Directory.CreateDirectory(StoredQemu.RootOf(entry)).FullName;
            using var unpacker = new DebUnpacker(tools, root);
            await DownloadAndUnpackAsync(apt, plan, unpacker, ct);

            Report(StoreStage.Check, 0, 0, $"{suite}: run its QEMU");
            var size = StoreFolders.Tidy(root);
            new StoreManifest
            {
                Suite = suite.Name,
                QemuVersion = await VersionAsync(root, ct),
                PackageVersion = AptWorkspace.QemuVersion(plan),
                Fetched = options.Time.GetUtcNow(),
                SizeBytes = size,
                Packages = unpacker.Packages,
            }.Write(entry);
            ct.ThrowIfCancellationRequested();
            var build = PutInPlace(entry);
            Report(StoreStage.Done, 0, 0, $"{suite}: QEMU {build.Version}, package {build.PackageVersion}");
            return build;
        }
        finally
        {
            StoreFolders.Delete(work);
        }
    }

    /// <summary>Unpacks what is complete while the rest is downloaded.</summary>
    private async Task DownloadAndUnpackAsync(AptWorkspace apt, IReadOnlyList<AptArchive> plan, DebUnpacker unpacker, CancellationToken ct)
    {
        var bytes = plan.Sum(archive => archive.Size);
        var downloadText = string.Create(CultureInfo.InvariantCulture, $"{suite}: download {plan.Count} packages, {bytes / 1e6:F1} MB");
        var unpackText = $"{suite}: unpack {plan.Count} packages";
        using var all = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var download = apt.DownloadAsync(all.Token);
        var awaited = plan.ToList();
        List<Task> unpacking = [];
        try
        {
            while (true)
            {
                var complete = download.IsCompleted; // asked before the look, so that the last look misses nothing
                var arrived = awaited.Where(archive => File.Exists(Path.Combine(apt.Archives, archive.FileName))).ToList();
                awaited.RemoveAll(arrived.Contains);
                unpacking.AddRange(arrived.Select(archive => unpacker.UnpackAsync(archive, Path.Combine(apt.Archives, archive.FileName), all.Token)));

                Report(StoreStage.Download, apt.Downloaded(plan), bytes, downloadText);
                if (unpacking.Count > 0) Report(StoreStage.Unpack, unpacker.Count, plan.Count, unpackText);
                if (unpacking.FirstOrDefault(task => task.IsFaulted) is { } failed) await failed;
                if (complete)
                {
                    await download;
                    if (awaited.Count > 0) throw new QemuStoreException($"Downloading the packages of {suite} failed: apt-get ended well, yet {awaited[0].FileName} is not there.");
                    if (unpacking.TrueForAll(task => task.IsCompleted)) break;
                }
                await Task.WhenAny(complete ? Task.WhenAll(unpacking) : download, Task.Delay(Interval, TimeProvider.System, all.Token));
                ct.ThrowIfCancellationRequested();
            }
            await Task.WhenAll(unpacking);
            Report(StoreStage.Unpack, unpacker.Count, plan.Count, unpackText);
        }
        finally
        {
            // Whatever went wrong: nothing may write any more when the folder is deleted.
            await all.CancelAsync();
            await Task.WhenAll([download, .. unpacking]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool Holds(StoredQemu stored, IReadOnlyList<AptArchive> plan) =>
        stored.Packages.Select(package => (package.Name, package.Version)).ToHashSet()
            .SetEquals(plan.Select(archive => (archive.Package, archive.Version)));

    /// <summary>Runs the QEMU: what cannot even tell its version is no build.</summary>
    private async Task<string> VersionAsync(string root, CancellationToken ct)
    {
        var launch = StoredQemu.LaunchOf(suite.Name, root);
        var what = $"Running the QEMU of {suite}";
        var result = (await StoreTools.RunFileAsync(launch.FileName, [.. launch.PrefixArguments, "--version"], launch.Environment, ct)).OrThrow(what);
        var version = VersionText().Match(result.Output);
        return version.Success ? version.Groups[1].Value : throw result.Failure(what, $"--version told no version but `{result.Output.Trim()}`");
    }

    private StoredQemu PutInPlace(string entry)
    {
        var path = StorePaths.Build(options.Root, suite);
        var old = StorePaths.NewWork(options.Root, suite);
        if (Directory.Exists(path)) Directory.Move(path, old);
        Directory.Move(entry, path);
        StoreFolders.Delete(old);
        return StoredQemu.Read(suite, path);
    }

    private void Report(StoreStage stage, long done, long total, string text) => progress?.Report(new(stage, done, total, text));

    [GeneratedRegex(@"^QEMU emulator version (\d+\.\d+(?:\.\d+)*)", RegexOptions.Multiline)]
    private static partial Regex VersionText();
}
