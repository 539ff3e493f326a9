using Mono.Unix.Native;

namespace QemuMigTest.Hosts;

/// <summary>Finds commands as execvp does.</summary>
public static class ExecutableSearch
{
    /// <summary>The first regular file of that name in the folders of this process's PATH that this user may execute, absolute; or null.</summary>
    public static string? OnPath(string command) => Find(command, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>The first regular file of that name in the folders of <paramref name="searchPath"/> that this user may execute, absolute; or null.</summary>
    public static string? Find(string command, string? searchPath) =>
        (searchPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.GetFullPath(Path.Combine(folder, command)))
            .FirstOrDefault(IsExecutable);

    /// <summary>Whether it is a regular file (or a link to one) that this user may execute.</summary>
    public static bool IsExecutable(string path) => File.Exists(path) && Syscall.access(path, AccessModes.X_OK) == 0;
}
