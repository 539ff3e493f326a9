using System.Text.RegularExpressions;

namespace QemuMigTest.Processes;

/// <summary>The descriptors and threads of a process at a moment, by kind.</summary>
/// <param name="Descriptors">How many of each: <c>socket</c>, <c>pipe</c>, <c>anon_inode:[eventfd]</c>, the path of a file.</param>
/// <param name="Threads">How many of each name.</param>
public sealed partial record ProcessResources(IReadOnlyDictionary<string, int> Descriptors, IReadOnlyDictionary<string, int> Threads)
{
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
            var threads = Directory.EnumerateDirectories($"/proc/{processId}/task").Select(Comm).OfType<string>().Where(name => name is not (PoolThread or KvmRecoveryThread)).CountBy(name => name);
            return new(WithoutRdmaDevices(descriptors.ToDictionary()), threads.ToDictionary());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>How many descriptors there are.</summary>
    public int DescriptorCount => Descriptors.Values.Sum();

    /// <summary>What is more, or less, than before: <c>2 descriptors socket more</c>.</summary>
    public IReadOnlyList<string> DifferencesFrom(ProcessResources before) =>
        [.. Compare("descriptor", Descriptors, before.Descriptors), .. Compare("thread", Threads, before.Threads)];

    private static IEnumerable<string> Compare(string what, IReadOnlyDictionary<string, int> now, IReadOnlyDictionary<string, int> before) =>
        now.Keys.Union(before.Keys).Order(StringComparer.Ordinal)
            .Select(kind => (Kind: kind, More: now.GetValueOrDefault(kind) - before.GetValueOrDefault(kind)))
            .Where(difference => difference.More != 0)
            .Select(difference => $"{Math.Abs(difference.More)} {what}{(Math.Abs(difference.More) == 1 ? "" : "s")} '{difference.Kind}' {(difference.More > 0 ? "more" : "less")}");

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

    private static string? Comm(string task)
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

    [GeneratedRegex(@"(?<=^(socket|pipe)):\[\d+\]$")]
    private static partial Regex Number();
}
