using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Nothing of a pair is left when it has ended: no process of its groups, no socket, no file in /dev/shm.</summary>
internal sealed class LeakOracle
{
    private const string Name = "leaks";
    private readonly IReadOnlyList<Watched> _watched;
    private readonly string _scratch;
    private readonly bool _sockets;

    private LeakOracle(IReadOnlyList<Watched> watched, string scratch, bool sockets)
    {
        _sockets = sockets;
        _watched = watched;
        _scratch = scratch;
    }

    /// <summary>Notes, while the QEMUs still run, what they hold in /dev/shm.</summary>
    public static LeakOracle Watch(MigrationPair pair) => new(
        [.. pair.Sides.Select(side => new Watched(side.Name, side.Process.Child.Id, side.Process.Exited.IsCompleted ? [] : SharedMemory(side.Process.Child.Id)))],
        pair.Scratch.Path,
        // A destination that exits because its migration failed does not always unlink its socket (7.2): the scratch folder's end is its end.
        pair.Runs.All(run => run.DestinationEnd.ExitCode is null));

    /// <summary>What is still there after they have ended.</summary>
    public IEnumerable<OracleFinding> FindLeft()
    {
        var groups = ProcessGroups();
        foreach (var side in _watched)
        {
            foreach (var pid in groups.Where(process => process.Group == side.ProcessId).Select(process => process.Pid))
            {
                yield return new(Name, side.Name, $"process {pid} of its group is still there");
            }

            foreach (var file in side.SharedMemory.Where(File.Exists))
            {
                yield return new(Name, side.Name, $"{file} is still there");
            }
        }

        if (!_sockets)
        {
            yield break;
        }

        foreach (var socket in Directory.EnumerateFiles(_scratch, "*", SearchOption.AllDirectories).Where(IsSocket))
        {
            yield return new(Name, "pair", $"socket {socket} is still there");
        }
    }

    private static bool IsSocket(string path) =>
        Mono.Unix.Native.Syscall.lstat(path, out var stat) == 0 && (stat.st_mode & Mono.Unix.Native.FilePermissions.S_IFMT) == Mono.Unix.Native.FilePermissions.S_IFSOCK;

    private static HashSet<string> SharedMemory(int pid)
    {
        try
        {
            return File.ReadLines($"/proc/{pid}/maps")
                .Select(line => line.IndexOf("/dev/shm/", StringComparison.Ordinal) is var start and >= 0 ? line[start..] : null)
                .OfType<string>()
                .ToHashSet();
        }
        catch (IOException)
        {
            // It ended meanwhile: that is another oracle's business.
            return [];
        }
    }

    private static List<(int Pid, int Group)> ProcessGroups()
    {
        var processes = new List<(int, int)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])))
        {
            try
            {
                var stat = File.ReadAllText($"{folder}/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                processes.Add((int.Parse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture), int.Parse(fields[2], System.Globalization.CultureInfo.InvariantCulture)));
            }
            catch (IOException)
            {
                // A process that ends while /proc is read is not left over.
                continue;
            }
        }

        return processes;
    }

    private sealed record Watched(string Name, int ProcessId, IReadOnlySet<string> SharedMemory);
}
