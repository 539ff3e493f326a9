using Mono.Unix.Native;

namespace QemuMigTest.Binaries.Store;

/// <summary>Finds commands as execvp does.</summary>
internal static class ExecutableSearch
{
    /// <summary>The first regular file of that name in the folders of <paramref name="searchPath"/> that this user may execute, absolute.</summary>
    public static string? Find(string command, string? searchPath) =>
        (searchPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.GetFullPath(Path.Combine(folder, command)))
            .FirstOrDefault(IsExecutable);

    /// <summary>Whether it is a regular file (or a link to one) that this user may execute.</summary>
    public static bool IsExecutable(string path) => File.Exists(path) && Syscall.access(path, AccessModes.X_OK) == 0;
}
