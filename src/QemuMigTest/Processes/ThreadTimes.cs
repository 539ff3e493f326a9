using System.Diagnostics;
using System.Globalization;

namespace QemuMigTest.Processes;

/// <summary>What each thread of a process has had of the processors until a moment, by the kernel's scheduler (<c>/proc/PID/task/TID/schedstat</c>).</summary>
internal sealed class ThreadTimes
{
    private const char Runnable = 'R';
    private readonly long _taken = Stopwatch.GetTimestamp();
    private readonly Dictionary<string, (string Name, bool WantsToRun, TimeSpan Ran, TimeSpan Waited)> _threads = [];

    private ThreadTimes()
    {
    }

    /// <summary>Reads them.</summary>
    /// <returns>Null when the process has ended.</returns>
    public static ThreadTimes? Read(int processId)
    {
        var times = new ThreadTimes();
        try
        {
            foreach (var task in Directory.EnumerateDirectories($"/proc/{processId}/task"))
            {
                if (Of(task) is { } time && FieldsOf(task, "stat") is { } stat)
                {
                    // Its id, (its name), its state.
                    var (open, close) = (stat.IndexOf('('), stat.LastIndexOf(')'));
                    times._threads[task] = (stat[(open + 1)..close], stat[close + 2] == Runnable, time.Ran, time.Waited);
                }
            }
        }
        catch (IOException)
        {
            return null;
        }

        return times;
    }

    /// <summary>The name of a process's main thread, as <see cref="BusySince"/> gives it.</summary>
    /// <returns>Null when the process has ended.</returns>
    public static string? MainThreadOf(int processId) => FieldsOf($"/proc/{processId}", "comm") is { } name ? $"'{name.TrimEnd()}'" : null;

    /// <summary>How long a thread has run, and how long it was ready to run and waited for a processor.</summary>
    /// <param name="task">Its folder in /proc.</param>
    /// <returns>Null when it has ended.</returns>
    public static (TimeSpan Ran, TimeSpan Waited)? Of(string task)
    {
        return FieldsOf(task, "schedstat")?.Split(' ') is [var ran, var waited, ..] ? (Time(ran), Time(waited)) : null;

        static TimeSpan Time(string nanoseconds) => TimeSpan.FromMicroseconds(long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1000.0);
    }

    /// <summary>The threads that wanted a processor for more than a part of the time since an earlier moment, or then and now, by their names in quotes.
    /// While a thread waits for a processor the kernel does not tell for how long it has.</summary>
    /// <param name="before">The earlier moment, of the same process.</param>
    /// <param name="part">Of the time, 0 to 1.</param>
    public IReadOnlyList<string> BusySince(ThreadTimes before, double part)
    {
        var elapsed = Stopwatch.GetElapsedTime(before._taken, _taken);
        return [.. from thread in _threads
                   where before._threads.ContainsKey(thread.Key)
                   let was = before._threads[thread.Key]
                   let share = (thread.Value.Ran - was.Ran + thread.Value.Waited - was.Waited) / elapsed
                   where share > part || (thread.Value.WantsToRun && was.WantsToRun)
                   select $"'{thread.Value.Name}'"];
    }

    // Null when the thread has ended: one that does takes no other with it.
    private static string? FieldsOf(string task, string file)
    {
        try
        {
            return File.ReadAllText($"{task}/{file}");
        }
        catch (IOException)
        {
            return null;
        }
    }
}
