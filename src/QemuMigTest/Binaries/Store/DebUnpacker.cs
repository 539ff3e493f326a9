using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace QemuMigTest.Binaries.Store;

/// <summary>Unpacks archives into one folder, a few at a time, and notes what they were.</summary>
internal sealed class DebUnpacker(StoreTools tools, string root) : IDisposable
{
    private static readonly IReadOnlyDictionary<string, string> NoVariables = new Dictionary<string, string>();
    private readonly SemaphoreSlim _turns = new(Math.Clamp(Environment.ProcessorCount, 2, 4));
    private readonly ConcurrentBag<StorePackage> _unpacked = [];

    /// <summary>How many are unpacked.</summary>
    public int Count => _unpacked.Count;

    /// <summary>What was unpacked, by name.</summary>
    public IReadOnlyList<StorePackage> Packages => [.. _unpacked.OrderBy(package => package.Name, StringComparer.Ordinal)];

    /// <exception cref="QemuStoreException">The archive could not be unpacked.</exception>
    public async Task UnpackAsync(AptArchive archive, string path, CancellationToken ct)
    {
        await _turns.WaitAsync(ct);
        try
        {
            (await tools.RunAsync(StoreTools.DpkgDeb, ["-x", path, root], NoVariables, ct)).OrThrow($"Unpacking {archive.FileName}");
            await using var file = File.OpenRead(path);
            var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct));
            _unpacked.Add(new(archive.Package, archive.Version, archive.Architecture, hash));
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose() => _turns.Dispose();
}
