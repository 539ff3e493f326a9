using System.Text.RegularExpressions;

namespace QemuMigTest.Processes;

/// <summary>The descriptors and threads of a process at a moment, by kind.</summary>
/// <param name="Descriptors">How many of each: <c>socket</c>, <c>pipe</c>, <c>anon_inode:[eventfd]</c>, the path of a file.</param>
/// <param name="Threads">How many of each name; <see cref="Unnamed"/> for those that have none of their own yet.</param>
/// <param name="Children">How many of each program's name, those among them that have ended and that it has not reaped.</param>
public sealed partial record ProcessResources(IReadOnlyDictionary<string, int> Descriptors, IReadOnlyDictionary<string, int> Threads, IReadOnlyDictionary<string, int> Children)
{
    /// <summary>A thread gives itself its name, and has its program's until it has run.</summary>
    public const string Unnamed = "(unnamed)";

    private const int NameBytes = 15;

    // The thread pool's come with work and leave after idle seconds; they belong to nobody.
    private const string PoolThread = "worker";

    // The kernel's (kvm-nx-lpage-recovery): it comes when the first vCPU runs, and stays.
    private const string KvmRecoveryThread = "kvm-nx-lpage-re";

    private const string RdmaDevice = "/dev/infiniband/uverbs";
    private const string RdmaEvents = "anon_inode:[infinibandevent]";

    /// <summary>Reads them from /proc.</summary>
    /// <returns>Null when the process has ended.</returns>
    public static ProcessResources? Read(int processId)
    {
        try
        {
            var descriptors = Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Select(Target).OfType<string>().CountBy(target => target);
            var program = new FileInfo($"/proc/{processId}/exe").LinkTarget is { } path ? Path.GetFileName(path) : "";
            var unnamed = program[..Math.Min(program.Length, NameBytes)];
            // That of its first thread (-name process=) until then.
            var first = $"/proc/{processId}/task/{processId}";
            var inherited = NameOf(first);
            var threads = Directory.EnumerateDirectories($"/proc/{processId}/task").Select(task => (Task: task, Name: NameOf(task)))
                .Select(thread => thread.Name == unnamed || thread.Name == inherited && thread.Task != first ? Unnamed : thread.Name).OfType<string>().Where(name => name is not (PoolThread or KvmRecoveryThread)).CountBy(name => name);
            var children = Directory.EnumerateDirectories($"/proc/{processId}/task").SelectMany(ChildrenOf).CountBy(name => name);
            return new(WithoutRdmaDevices(descriptors.ToDictionary()), threads.ToDictionary(), children.ToDictionary());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>How many descriptors there are.</summary>
    public int DescriptorCount => Descriptors.Values.Sum();

    /// <summary>What is more, or less, than before: <c>2 descriptors socket more</c>. A thread that had no name yet may have any by now, also one that is not counted.</summary>
    public IReadOnlyList<string> DifferencesFrom(ProcessResources before)
    {
        var threads = Compare(Threads, before.Threads);
        var named = Math.Min(-threads.GetValueOrDefault(Unnamed), threads.Values.Where(more => more > 0).Sum());
        foreach (var kind in named > 0 ? threads.Where(thread => thread.Value > 0).Select(thread => thread.Key).Order(StringComparer.Ordinal).ToList() : [])
        {
            var now = Math.Min(named, threads[kind]);
            threads[kind] -= now;
            threads[Unnamed] += now;
            named -= now;
        }

        threads[Unnamed] = Math.Max(0, threads.GetValueOrDefault(Unnamed));
        return [.. Describe("descriptor", Compare(Descriptors, before.Descriptors)), .. Describe("thread", threads), .. Describe("child process", Compare(Children, before.Children), "es")];
    }

    private static Dictionary<string, int> Compare(IReadOnlyDictionary<string, int> now, IReadOnlyDictionary<string, int> before) =>
        now.Keys.Union(before.Keys).ToDictionary(kind => kind, kind => now.GetValueOrDefault(kind) - before.GetValueOrDefault(kind));

    private static IEnumerable<string> Describe(string what, Dictionary<string, int> more, string plural = "s") => more.Where(kind => kind.Value != 0).OrderBy(kind => kind.Key, StringComparer.Ordinal)
        .Select(kind => $"{Math.Abs(kind.Value)} {what}{(Math.Abs(kind.Value) == 1 ? "" : plural)} '{kind.Key}' {(kind.Value > 0 ? "more" : "less")}");

    // librdmacm opens each RDMA device with the first connection, once, and its events with it; both stay open for as long as the process lives.
    private static Dictionary<string, int> WithoutRdmaDevices(Dictionary<string, int> descriptors)
    {
        foreach (var device in descriptors.Keys.Where(kind => kind.StartsWith(RdmaDevice, StringComparison.Ordinal)).ToList())
        {
            descriptors[device]--;
            if (descriptors.TryGetValue(RdmaEvents, out var events))
            {
                descriptors[RdmaEvents] = events - 1;
            }
        }

        return descriptors;
    }

    // Each is gone when it is, as often as not, while they are read.
    private static string? Target(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget is { } target ? Number().Replace(target, "") : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>The name of a process or thread, by its folder in /proc; null when it has ended.</summary>
    internal static string? NameOf(string task)
    {
        try
        {
            return File.ReadAllText($"{task}/comm").TrimEnd('\n');
        }
        catch (IOException)
        {
            return null;
        }
    }

    // A child is listed with the thread that started it.
    private static IEnumerable<string> ChildrenOf(string task)
    {
        try
        {
            return [.. File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => NameOf($"/proc/{child}")).OfType<string>()];
        }
        catch (IOException)
        {
            return [];
        }
    }

    [GeneratedRegex(@"(?<=^(socket|pipe)):\[\d+\]$")]
    private static partial Regex Number();
}
