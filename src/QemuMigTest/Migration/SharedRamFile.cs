using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

/// <summary>A pair's own file in /dev/shm, all of its memory reserved; its name is gone as soon as it can be, or swept by the next run when this one is killed.</summary>
internal sealed class SharedRamFile : IDisposable
{
    private readonly ScratchDirectory _folder;
    private readonly SafeFileHandle _handle;
    private bool _hasName = true;

    private SharedRamFile(ScratchDirectory folder, SafeFileHandle handle)
    {
        _folder = folder;
        _handle = handle;
    }

    /// <summary>The file, to be mapped before this is disposed of.</summary>
    public string Path => _hasName ? In(_folder) : $"/proc/{System.Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Takes its name away: who comes later opens it by this process's descriptor.</summary>
    public void RemoveName()
    {
        _hasName = false;
        _folder.Dispose();
    }

    /// <summary>Makes the file.</summary>
    /// <param name="bytes">Its size, above 0.</param>
    /// <exception cref="QemuStartException">There is no room for it, or no /dev/shm.</exception>
    public static SharedRamFile Create(long bytes)
    {
        // A folder named after this process: what a killed run leaves is found by its name.
        var folder = ScratchDirectory.CreateRoot(SharedMemory.Folder);
        SharedRamFile? file = null;
        try
        {
            file = new SharedRamFile(folder, File.OpenHandle(In(folder), FileMode.CreateNew, FileAccess.ReadWrite));
            // Reserved now: a guest that finds no memory later ends its QEMU by SIGBUS.
            var error = (Errno)Syscall.posix_fallocate((int)file._handle.DangerousGetHandle(), 0, (ulong)bytes);
            return error == 0 ? file : throw new QemuStartException($"{file.Path}: no room for the guest's {bytes >> 20} MiB of RAM: {Stdlib.strerror(error)}. Free some of {SharedMemory.Folder}.");
        }
        catch
        {
            file?.Dispose();
            folder.Dispose();
            throw;
        }
    }

    private static string In(ScratchDirectory folder) => folder.File("ram");

    public void Dispose()
    {
        RemoveName();
        _handle.Dispose();
    }
}
