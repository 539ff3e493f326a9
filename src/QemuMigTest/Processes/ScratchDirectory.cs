using System.Globalization;
using System.Text;
using Mono.Unix.Native;
using QemuMigTest.Hosts;

namespace QemuMigTest.Processes;

/// <summary>A folder that only its owner can enter (0700), gone after use; its path leaves room for socket names.</summary>
public sealed class ScratchDirectory : IDisposable
{
    /// <summary>What names the folder under which scratch folders are made; else TMPDIR, else /tmp.</summary>
    public const string Variable = "QEMU_MIG_TEST_SCRATCH";

    // sun_path has 108 bytes with its end; the longest name below a root is "/9999-destination-2/destination.serial".
    private const int LongestRoot = 107 - 40;
    private const string Prefix = "qmt-";
    // The inode of the machine's own namespace of process ids (PROC_PID_INIT_INO of Linux); that of a container is a little above it.
    private const ulong FirstNamespace = 0xEFFFFFFC;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly Lock Roots = new();
    private static bool _noMoreRoots;
    private int _children;

    private ScratchDirectory(string path) => Path = path;

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>Deletes every scratch root of this process, for an end at once; no root is made after it.</summary>
    public static void DeleteAllOfThisProcess()
    {
        lock (Roots)
        {
            _noMoreRoots = true;
            foreach (var own in Parents.SelectMany(parent => Directory.GetDirectories(parent, $"{Prefix}{Namespace}-{Environment.ProcessId}-*")))
            {
                // Tests still run: under another name nothing can be added while it is deleted.
                var gone = own + "~";
                Directory.Move(own, gone);
                Directory.Delete(gone, recursive: true);
            }
        }
    }

    /// <summary>Makes this process's scratch root below <see cref="Variable"/>, TMPDIR or /tmp, and sweeps what dead runs left there and in /dev/shm.</summary>
    /// <exception cref="QemuStartException">It cannot be made, or socket paths in it would be too long; the message has the remedy.</exception>
    public static ScratchDirectory CreateRoot()
    {
        foreach (var other in Parents.Where(parent => parent != Parent))
        {
            Sweep(other);
        }

        return CreateRoot(Parent);
    }

    /// <summary>Makes a scratch root of this process below a folder, and sweeps what dead runs left there.</summary>
    /// <exception cref="QemuStartException">It cannot be made, or socket paths in it would be too long; the message has the remedy.</exception>
    public static ScratchDirectory CreateRoot(string parent)
    {
        parent = System.IO.Path.GetFullPath(parent).TrimEnd('/');
        var path = $"{parent}/{Prefix}{Namespace}-{Environment.ProcessId}-{StartTime(Environment.ProcessId)}-{Guid.NewGuid().ToString("N")[..4]}";
        if (Encoding.UTF8.GetByteCount(path) > LongestRoot)
        {
            throw new QemuStartException($"The scratch folder {path} is too long: a socket path may have 107 bytes. Set {Variable} to a shorter folder.");
        }

        try
        {
            lock (Roots)
            {
                if (_noMoreRoots)
                {
                    throw new QemuStartException($"No scratch folder is made below {parent}: this process is coming to its end.");
                }

                Directory.CreateDirectory(path, OwnerOnly);
            }

            Sweep(parent);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QemuStartException($"No scratch folder can be made below {parent}: {e.Message} Set {Variable} to a folder that can be written.", e);
        }

        return new ScratchDirectory(path);
    }

    /// <summary>A new folder below this one, with a number before its name.</summary>
    /// <exception cref="QemuStartException">It cannot be made.</exception>
    public ScratchDirectory CreateChild(string name)
    {
        var path = $"{Path}/{Interlocked.Increment(ref _children)}{(name.Length == 0 ? "" : "-")}{name}";
        // Not Directory.CreateDirectory: a root that was deleted must not come back.
        if (Syscall.mkdir(path, FilePermissions.S_IRWXU) != 0)
        {
            throw new QemuStartException($"The folder {path} cannot be made: {Stdlib.strerror(Stdlib.GetLastError())}.");
        }

        return new ScratchDirectory(path);
    }

    /// <summary>The path of a file of that name in this folder.</summary>
    public string File(string name) => $"{Path}/{name}";

    /// <summary>Deletes the folder and all in it.</summary>
    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    // Guests' RAM is in /dev/shm, where it is shared.
    private static IEnumerable<string> Parents => new[] { Parent, SharedMemory.Folder }.Distinct()
        .Where(folder => Syscall.access(folder, AccessModes.R_OK | AccessModes.X_OK) == 0);

    private static string Parent => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen ? chosen : System.IO.Path.GetTempPath();

    // Containers that share a folder have process ids of their own.
    private static string Namespace => Syscall.stat("/proc/self/ns/pid", out var stat) == 0
        ? unchecked((uint)(stat.st_ino - FirstNamespace)).ToString("x", CultureInfo.InvariantCulture)
        : "none";

    // A run that was killed cannot clean up; its folders carry the process they belong to. Of a process in another namespace nothing can be known from here.
    private static void Sweep(string parent)
    {
        foreach (var left in Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            var parts = System.IO.Path.GetFileName(left)[Prefix.Length..].Split('-');
            if (parts.Length != 4 || parts[0] != Namespace || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var pid) || StartTime(pid) == parts[2])
            {
                continue;
            }

            try
            {
                Directory.Delete(left, recursive: true);
            }
            catch (Exception e) when (e is UnauthorizedAccessException or IOException)
            {
                // Another user's, swept by another run at the same time, or a mount in it: none is ours to mend, and none keeps this run from its own folder.
                continue;
            }
        }
    }

    /// <summary>Field 22 of /proc/PID/stat, in clock ticks since boot; it tells a process from a later one with its id.</summary>
    private static string? StartTime(int pid)
    {
        try
        {
            var stat = System.IO.File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return null;
        }
    }
}
