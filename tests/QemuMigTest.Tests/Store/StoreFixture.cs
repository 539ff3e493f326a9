using QemuMigTest.Binaries.Store;

namespace QemuMigTest.Tests.Store;

/// <summary>A test with a folder of its own, which holds a store, an apt folder and fake tools.</summary>
internal abstract class StoreFixture : IDisposable
{
    protected StoreFixture()
    {
        Folder = Directory.CreateTempSubdirectory("qmt-store-").FullName;
        Tools = new FakeTools(Path.Combine(Folder, "tools"));
        Write("etc/apt/sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n");
        Write("etc/os-release", "ID=debian\n");
        Write("keyring.gpg", "");
        Variables["PATH"] = Tools.Folder;
        Options = new()
        {
            Root = At("builds"),
            AptFolder = At("etc/apt"),
            OsRelease = At("etc/os-release"),
            Keyring = At("keyring.gpg"),
            Environment = name => Variables.GetValueOrDefault(name),
        };
        Store = new(Options);
    }

    protected string Folder { get; }

    protected FakeTools Tools { get; }

    protected Dictionary<string, string> Variables { get; } = [];

    protected QemuStoreOptions Options { get; }

    protected QemuStore Store { get; }

    protected static QemuSuite Trixie => QemuStore.Suite("trixie")!;

    public void Dispose()
    {
        StoreFolders.Delete(Folder);
        GC.SuppressFinalize(this);
    }

    protected string At(string relative) => Path.Combine(Folder, relative);

    protected string Write(string relative, string text)
    {
        var path = At(relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    protected string WriteExecutable(string relative)
    {
        var path = Write(relative, "#!/bin/sh\n");
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("755", 8));
        return path;
    }

    /// <summary>A build that looks whole, with the libraries where trixie has them, or where bookworm has them.</summary>
    protected void MakeBuild(string suite, string version = "10.0.2", string libraries = "usr/lib/x86_64-linux-gnu")
    {
        WriteExecutable($"builds/{suite}/root/usr/bin/qemu-system-x86_64");
        WriteExecutable($"builds/{suite}/root/{libraries}/ld-linux-x86-64.so.2");
        new StoreManifest
        {
            Suite = suite,
            QemuVersion = version,
            PackageVersion = $"1:{version}+ds-1",
            Fetched = DateTimeOffset.UnixEpoch,
            SizeBytes = 1_000_000,
            Packages = [new("qemu-system-x86", $"1:{version}+ds-1", "amd64", "00")],
        }.Write(At($"builds/{suite}"));
    }

    /// <summary>What is in the store's folder besides lock files.</summary>
    protected IEnumerable<string> InStore() =>
        Directory.GetFileSystemEntries(Store.Root).Select(path => Path.GetFileName(path)!).Where(name => !name.StartsWith(".lock.", StringComparison.Ordinal));
}
