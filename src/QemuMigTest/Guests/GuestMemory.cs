using System.IO.MemoryMappedFiles;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Guests;

/// <summary>A guest's physical memory, read in bulk through QEMU.</summary>
public sealed class GuestMemory(QemuProcess process) : IDisposable
{
    private NativeMemoryFile? _file;

    /// <summary>Reads bytes of guest-physical memory (pmemsave) and hands them to a function, which must not keep them.</summary>
    /// <param name="address">The first byte's guest-physical address.</param>
    /// <param name="length">How many bytes, 1 to 2^31 - 1.</param>
    /// <param name="use">What is done with them.</param>
    /// <param name="ct">Ends the wait for QEMU.</param>
    public async Task<T> ReadAsync<T>(ulong address, int length, Func<ReadOnlySpan<byte>, T> use, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        // QEMU writes into our memory: no disk that may be full, no file to leave behind.
        _file ??= new NativeMemoryFile($"{process.Name}-memory");
        await process.ExecuteAsync("pmemsave", new() { ["val"] = (long)address, ["size"] = length, ["filename"] = _file.Path }, ct);
        using var mapping = MemoryMappedFile.CreateFromFile(_file.Handle, null, length, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        using var view = mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        return Use(view, length, use);
    }

    /// <summary>Frees what was read.</summary>
    public void Dispose() => _file?.Dispose();

    private static unsafe T Use<T>(MemoryMappedViewAccessor view, int length, Func<ReadOnlySpan<byte>, T> use)
    {
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        try
        {
            return use(new ReadOnlySpan<byte>(pointer + view.PointerOffset, length));
        }
        finally
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}
