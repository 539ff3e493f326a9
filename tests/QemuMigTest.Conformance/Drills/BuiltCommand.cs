using System.Globalization;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

/// <summary>The command qemu-mig-test, as it was built beside this suite, and what it starts.</summary>
internal static class BuiltCommand
{
    private const string Project = "src/QemuMigTest.Cli";

    /// <summary>The command's path; the test is skipped when it has not been built.</summary>
    public static string Path
    {
        get
        {
            var output = new DirectoryInfo(AppContext.BaseDirectory);
            var root = output;
            while (root is not null && !File.Exists(System.IO.Path.Combine(root.FullName, "QemuMigTest.sln")))
            {
                root = root.Parent;
            }

            // bin/CONFIGURATION/FRAMEWORK, here and there.
            var path = System.IO.Path.Combine(root?.FullName ?? "/", Project, "bin", output.Parent!.Name, output.Name, "qemu-mig-test");
            if (!File.Exists(path))
            {
                Assert.Ignore($"needs the command; found: {path} does not exist (dotnet build in the repository's root makes it)");
            }

            return path;
        }
    }

    /// <summary>The QEMUs of pairs among the children of a process.</summary>
    public static List<int> QemusOf(int pid)
    {
        try
        {
            // A child is listed with the thread that started it.
            return [.. Directory.EnumerateDirectories($"/proc/{pid}/task")
                .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(child => int.Parse(child, CultureInfo.InvariantCulture))
                .Where(child => IsAlive(child) && File.ReadAllText($"/proc/{child}/comm").StartsWith("qemu-", StringComparison.Ordinal))];
        }
        catch (IOException)
        {
            // A thread or a child ended while /proc was read: it is read again.
            return [];
        }
    }

    /// <summary>Whether a process is there and not a zombie that nobody has reaped.</summary>
    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The scratch folders that a process of that id has made beside this suite's own.</summary>
    public static IEnumerable<string> ScratchFoldersOf(int pid, ScratchDirectory own) =>
        Directory.EnumerateDirectories(System.IO.Path.GetDirectoryName(own.Path)!, string.Create(CultureInfo.InvariantCulture, $"qmt-*-{pid}-*"));
}
