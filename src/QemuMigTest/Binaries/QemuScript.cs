using QemuMigTest.Processes;

namespace QemuMigTest.Binaries;

/// <summary>Shell scripts that start a build as if it were one executable, for people and for tools that know nothing of the store.</summary>
public static class QemuScript
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The script's text; it passes its own arguments on behind those that the build needs.</summary>
    public static string TextOf(QemuLaunch launch)
    {
        string[] words = ["env", .. launch.Environment.Select(variable => $"{variable.Key}={variable.Value}"), launch.FileName, .. launch.PrefixArguments];
        return $"#!/bin/sh\n# Starts the QEMU {launch.Name.ReplaceLineEndings(" ")}.\nexec {QemuCommandLine.Quote(words)} \"$@\"\n";
    }

    /// <summary>Writes the script, executable by all.</summary>
    /// <exception cref="IOException">The file can not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public static void Write(QemuLaunch launch, string path)
    {
        File.WriteAllText(path, TextOf(launch));
        File.SetUnixFileMode(path, Executable);
    }
}
