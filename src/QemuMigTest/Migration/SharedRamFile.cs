using Mono.Unix.Native;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>A pair's own file in /dev/shm, all of its memory reserved; gone when it is disposed of, or swept by the next run when this one is killed.</summary>
internal sealed class SharedRamFile : IDisposable
{
    private readonly ScratchDirectory _folder;

    private SharedRamFile(ScratchDirectory folder) => _folder = folder;

    /// <summary>The file, to be mapped before this is disposed of.</summary>
    public string Path => _folder.File("ram");

    /// <summary>Makes the file.</summary>
    /// <param name="bytes">Its size, above 0.</param>
    /// <exception cref="QemuStartException">There is no room for it, or no /dev/shm.</exception>
    public static SharedRamFile Create(long bytes)
    {
        // A folder named after this process: what a killed run leaves is found by its name.
        var file = new SharedRamFile(ScratchDirectory.CreateRoot(SharedMemory.Folder));
        try
        {
            using var handle = File.OpenHandle(file.Path, FileMode.CreateNew, FileAccess.ReadWrite);
            // Reserved now: a guest that finds no memory later ends its QEMU by SIGBUS.
            var error = (Errno)Syscall.posix_fallocate((int)handle.DangerousGetHandle(), 0, (ulong)bytes);
            return error == 0 ? file : throw new QemuStartException($"{file.Path}: no room for the guest's {bytes >> 20} MiB of RAM: {Stdlib.strerror(error)}. Free some of {SharedMemory.Folder}.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _folder.Dispose();
}
