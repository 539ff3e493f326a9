namespace QemuMigTest.Hosts;

/// <summary>Finds programs on PATH.</summary>
public static class ExecutableSearch
{
    private const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>The absolute path of the first executable file of that name in the folders of PATH, or null.</summary>
    public static string? OnPath(string name) => OnPath(name, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>The absolute path of the first executable file of that name in the folders of <paramref name="path"/>, or null.</summary>
    public static string? OnPath(string name, string? path) => (path ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(candidate => File.Exists(candidate) && (File.GetUnixFileMode(candidate) & AnyExecute) != 0);
}
