using System.Globalization;

namespace QemuMigTest.Processes;

/// <summary>The system calls in which the threads of a process are blocked (<c>/proc/PID/task/TID/syscall</c>, for those who may trace it).</summary>
internal static class ThreadCalls
{
    /// <summary>Reads them.</summary>
    /// <returns>Of each thread its name and the call's number; null for one that runs. Empty when the process has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">The kernel tells this process nothing of that one.</exception>
    public static IReadOnlyList<(string Name, int? Call)> Read(int processId)
    {
        var calls = new List<(string Name, int? Call)>();
        try
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{processId}/task"))
            {
                var call = File.ReadAllText($"{task}/syscall").Split(' ')[0];
                calls.Add((File.ReadAllText($"{task}/comm").TrimEnd(), int.TryParse(call, CultureInfo.InvariantCulture, out var number) ? number : null));
            }
        }
        catch (IOException)
        {
            // A thread that ends, or the process, leaves between two reads: those that are asked for again are there or are not.
        }

        return calls;
    }
}
