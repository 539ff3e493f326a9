using System.Globalization;
using Mono.Unix.Native;

namespace QemuMigTest.Hosts;

/// <summary>The folder of shared memory, and whether it will do.</summary>
public static class SharedMemory
{
    /// <summary>Where Linux has it: a tmpfs.</summary>
    public const string Folder = "/dev/shm";

    /// <summary>Why a file of some size cannot be made in a folder now, or null.</summary>
    /// <param name="folder">The folder, such as <see cref="Folder"/>.</param>
    /// <param name="bytes">The size, 0 or more.</param>
    public static string? WhyNot(string folder, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (!Directory.Exists(folder))
        {
            return $"no folder {folder}";
        }

        if (Syscall.access(folder, AccessModes.W_OK | AccessModes.X_OK) != 0)
        {
            return $"{folder}: {Stdlib.strerror(Stdlib.GetLastError())}";
        }

        if (Syscall.statvfs(folder, out var room) != 0)
        {
            return $"{folder}: statvfs: {Stdlib.strerror(Stdlib.GetLastError())}";
        }

        var free = room.f_bavail * room.f_frsize;
        return free < (ulong)bytes ? string.Create(CultureInfo.InvariantCulture, $"{folder} with {free >> 20} MiB free") : null;
    }
}
