using QemuMigTest.Migration;
using QemuMigTest.Processes;

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
        [.. pair.QemuSides.Select(side => new Watched(side.Name, side.Process.Child.Id, side.Process.Exited.IsCompleted ? [] : SharedMemory(side.Process.Child.Id)))],
        pair.Scratch.Path,
        // A destination that quits, or exits, while it still listens does not unlink its socket: the scratch folder's end is its end.
        pair.Runs.All(run => run.Outcome is MigrationOutcome.Completed or MigrationOutcome.Refused));

    /// <summary>What is still there after they have ended.</summary>
    public IEnumerable<OracleFinding> FindLeft()
    {
        var processes = ProcessEntry.ReadAll();
        foreach (var side in _watched)
        {
            foreach (var pid in processes.Where(process => process.Group == side.ProcessId && !process.HasEnded).Select(process => process.Id))
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

    private sealed record Watched(string Name, int ProcessId, IReadOnlySet<string> SharedMemory);
}
