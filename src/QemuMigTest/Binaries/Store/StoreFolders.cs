namespace QemuMigTest.Binaries.Store;

/// <summary>Work on unpacked folders; symbolic links are never followed.</summary>
internal static class StoreFolders
{
    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Special = UnixFileMode.SetUser | UnixFileMode.SetGroup | UnixFileMode.StickyBit;
    private static readonly string[] UnneededFolders = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"];
    private static readonly string[] UnneededFiles = ["usr/bin/qemu-system-i386", "usr/bin/qemu-system-x86_64-microvm"];

    /// <summary>Drops what no QEMU needs, and what a cache must not hold: set-user-id programs and folders that cannot be deleted.</summary>
    /// <returns>The bytes of the files that stay.</returns>
    public static long Tidy(string root)
    {
        foreach (var folder in UnneededFolders.Select(name => Path.Combine(root, name)).Where(Directory.Exists)) Delete(folder);
        foreach (var file in UnneededFiles.Select(name => Path.Combine(root, name)).Where(File.Exists)) File.Delete(file);
        var bytes = 0L;
        foreach (var entry in Walk(new DirectoryInfo(root)))
        {
            var mode = entry.UnixFileMode;
            var wanted = entry is DirectoryInfo ? (mode | OwnerAll) & ~Special : mode & ~Special;
            if (wanted != mode) entry.UnixFileMode = wanted;
            bytes += entry is FileInfo file ? file.Length : 0;
        }
        return bytes;
    }

    /// <summary>Deletes a folder and all in it; nothing happens when it is not there.</summary>
    /// <exception cref="IOException">Something is in the way.</exception>
    public static void Delete(string folder)
    {
        if (!Directory.Exists(folder)) return;
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A package may hold folders that their owner may not write to.
            foreach (var inner in Walk(new DirectoryInfo(folder)).OfType<DirectoryInfo>()) inner.UnixFileMode |= OwnerAll;
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A folder before what is in it, so that it can be opened up before it is read.</summary>
    private static IEnumerable<FileSystemInfo> Walk(DirectoryInfo folder)
    {
        yield return folder;
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (entry.LinkTarget is not null) continue;
            if (entry is DirectoryInfo inner)
            {
                foreach (var deeper in Walk(inner)) yield return deeper;
            }
            else
            {
                yield return entry;
            }
        }
    }
}
