namespace QemuMigTest.Processes;

/// <summary>What the spawner starts: a program, its arguments, what is added to the environment, and where its output goes.</summary>
public sealed record ChildCommand
{
    /// <summary>The absolute path of the program.</summary>
    public required string FileName { get; init; }

    /// <summary>The arguments, without the program's own name. No shell reads them.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Variables added to this process's environment, or replaced in it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The file to which standard output and standard error are appended; its input is /dev/null.</summary>
    public required string OutputFile { get; init; }
}
