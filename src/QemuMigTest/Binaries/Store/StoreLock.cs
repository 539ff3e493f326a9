namespace QemuMigTest.Binaries.Store;

/// <summary>Held by whoever changes a suite's folder. It is a lock of the kernel: it ends with its process, however that ends.</summary>
internal sealed class StoreLock : IDisposable
{
    private const int WouldBlock = 11; // EWOULDBLOCK: .NET tells it as the HResult
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private readonly FileStream _file;

    private StoreLock(FileStream file) => _file = file;

    /// <summary>Takes the lock, or returns null when someone else has it.</summary>
    /// <exception cref="IOException">The lock file cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The lock file may not be made.</exception>
    public static StoreLock? TryAcquire(string path)
    {
        try
        {
            return new StoreLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    /// <summary>Takes the lock, waiting for whoever has it; <paramref name="waiting"/> is called once if it comes to that.</summary>
    /// <remarks>No deadline: the other one downloads, for as long as that takes, and its end frees the lock.</remarks>
    public static async Task<StoreLock> AcquireAsync(string path, Action waiting, CancellationToken ct)
    {
        var said = false;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            if (TryAcquire(path) is { } held) return held;
            if (!said) waiting();
            said = true;
            await Task.Delay(Interval, TimeProvider.System, ct);
        }
    }

    public void Dispose() => _file.Dispose();
}
