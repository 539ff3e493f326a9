using System.Globalization;
using QemuMigTest.Processes;

namespace QemuMigTest.NUnit;

/// <summary>Copies what a test left in its scratch folder to where a person will look.</summary>
internal static class LogKeeper
{
    private const long LargestKept = 16 * 1024 * 1024;

    /// <summary>Copies logs, command lines and small files; sockets stay, and large files are named only.</summary>
    /// <returns>The folder they are in now.</returns>
    public static string Keep(ScratchDirectory scratch, string results, string path)
    {
        // Listed first: a scratch folder that is gone must not leave an empty one here.
        var files = new DirectoryInfo(scratch.Path).GetFiles("*", SearchOption.AllDirectories);
        var folder = FreeFolder(Path.Combine(results, "tests", path.TrimStart('/')));
        foreach (var file in files)
        {
            var target = Path.Combine(folder, Path.GetRelativePath(scratch.Path, file.FullName));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (IsRegular(file.FullName) && file.Length <= LargestKept)
            {
                file.CopyTo(target, overwrite: true);
            }
            else
            {
                File.WriteAllText($"{target}.not-kept", string.Create(CultureInfo.InvariantCulture, $"{file.FullName}: {file.Length} bytes\n"));
            }
        }

        return folder;
    }

    private static bool IsRegular(string path) => Mono.Unix.Native.Syscall.lstat(path, out var stat) == 0
        && (stat.st_mode & Mono.Unix.Native.FilePermissions.S_IFMT) == Mono.Unix.Native.FilePermissions.S_IFREG;

    // A repeated test keeps each of its failures.
    private static string FreeFolder(string wanted)
    {
        var folder = wanted;
        for (var number = 2; Directory.Exists(folder); number++)
        {
            folder = string.Create(CultureInfo.InvariantCulture, $"{wanted}.{number}");
        }

        Directory.CreateDirectory(folder);
        return folder;
    }
}
