using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Mono.Unix.Native;
using QemuMigTest.Hosts;

namespace QemuMigTest.Processes;

/// <summary>Starts every process of a run, from one thread, so that the kernel ends them when this process dies, however it dies.</summary>
/// <remarks>
/// The parent-death signal is tied to the thread that started the child: a pool thread that retires would take its QEMU along.
/// A child is the leader of a process group of its own, inherits no descriptor but its three standard ones, and has default signal handling.
/// </remarks>
public sealed class ProcessSpawner : IDisposable
{
    private readonly BlockingCollection<(ChildCommand Command, TaskCompletionSource<ChildProcess> Started)> _queue = [];
    private readonly ConcurrentDictionary<int, ChildProcess> _alive = new();
    private readonly string _setpriv;
    private readonly Thread _thread;
    private int _disposed;

    /// <summary>Starts the spawner's thread.</summary>
    /// <exception cref="QemuStartException">setpriv is not on PATH, or the kernel gives huge pages to all and would not do without.</exception>
    public ProcessSpawner()
    {
        _setpriv = ExecutableSearch.OnPath("setpriv")
            ?? throw new QemuStartException("setpriv is not on PATH: it ties each QEMU's life to this process. Install util-linux.");
        HugePages.OnlyWhereAskedFor();
        _thread = new Thread(Serve) { IsBackground = true, Name = "qemu-spawner" };
        _thread.Start();
    }

    /// <summary>The processes started here that have not ended yet.</summary>
    public IReadOnlyCollection<ChildProcess> Alive => [.. _alive.Values.Where(child => !child.Exited.IsCompleted)];

    /// <summary>Starts a process.</summary>
    /// <exception cref="QemuStartException">The kernel would not start it.</exception>
    /// <exception cref="ObjectDisposedException">The spawner was disposed.</exception>
    public Task<ChildProcess> StartAsync(ChildCommand command)
    {
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _queue.Add((command, started));
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(ProcessSpawner));
        }

        return started.Task;
    }

    /// <summary>Sends SIGKILL to every process that is still there.</summary>
    public void KillAll()
    {
        foreach (var child in _alive.Values)
        {
            child.Kill();
        }
    }

    /// <summary>Sends SIGKILL to the group of every child of this process, whichever spawner started it: for an end at once.</summary>
    public static void KillChildrenOfThisProcess()
    {
        foreach (var child in ProcessEntry.ReadAll().Where(process => process.Parent == Environment.ProcessId && process.Group == process.Id))
        {
            // One that has ended meanwhile is what was wanted.
            _ = NativeProcess.kill(-child.Group, NativeConvert.FromSignum(Signum.SIGKILL));
        }
    }

    /// <summary>Kills what is still there and ends the thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _queue.CompleteAdding();
        _thread.Join();
        KillAll();
        Task.WaitAll(_alive.Values.Select(child => child.Exited));
        _queue.Dispose();
    }

    private void Serve()
    {
        foreach (var (command, started) in _queue.GetConsumingEnumerable())
        {
            try
            {
                var child = Spawn(command);
                _alive[child.Id] = child;
                child.Exited.ContinueWith(_ => _alive.TryRemove(new(child.Id, child)), CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                started.SetResult(child);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        }
    }

    private unsafe ChildProcess Spawn(ChildCommand command)
    {
        string[] argv = [_setpriv, "--pdeathsig", "KILL", "--", command.FileName, .. command.Arguments];
        var environment = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
        foreach (var (name, value) in command.Environment)
        {
            environment[name] = value;
        }

        using var nativeArgv = new NativeStrings(argv);
        using var nativeEnvironment = new NativeStrings([.. environment.Select(entry => $"{entry.Key}={entry.Value}")]);
        var actions = stackalloc byte[NativeProcess.FileActionsSize];
        var attributes = stackalloc byte[NativeProcess.AttributesSize];
        Check(NativeProcess.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
        Check(NativeProcess.posix_spawnattr_init(attributes), "posix_spawnattr_init");
        try
        {
            Redirect(actions, command.OutputFile);
            Isolate(attributes);
            var error = NativeProcess.posix_spawn(out var pid, nativeArgv.Pointer[0], actions, attributes, nativeArgv.Pointer, nativeEnvironment.Pointer);
            return error == 0
                ? new ChildProcess(pid, command)
                : throw new QemuStartException($"{command.FileName} could not be started: {Stdlib.strerror((Errno)error)} (output to {command.OutputFile})");
        }
        finally
        {
            _ = NativeProcess.posix_spawn_file_actions_destroy(actions);
            _ = NativeProcess.posix_spawnattr_destroy(attributes);
        }
    }

    private static unsafe void Redirect(void* actions, string outputFile)
    {
        const uint OwnerOnly = 0x180;
        var append = NativeConvert.FromOpenFlags(OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND);
        Check(NativeProcess.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0), "addopen");
        Check(NativeProcess.posix_spawn_file_actions_addopen(actions, 1, outputFile, append, OwnerOnly), "addopen");
        Check(NativeProcess.posix_spawn_file_actions_adddup2(actions, 1, 2), "adddup2");
        Check(NativeProcess.posix_spawn_file_actions_addclosefrom_np(actions, 3), "addclosefrom_np");
    }

    private static unsafe void Isolate(void* attributes)
    {
        var set = stackalloc byte[NativeProcess.SignalSetSize];
        Check(NativeProcess.sigemptyset(set), "sigemptyset");
        Check(NativeProcess.posix_spawnattr_setsigmask(attributes, set), "setsigmask");
        // .NET ignores SIGPIPE, and an ignored signal stays ignored in the child.
        foreach (var signal in new[] { Signum.SIGPIPE, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGTERM, Signum.SIGHUP, Signum.SIGCHLD, Signum.SIGCONT, Signum.SIGUSR1 })
        {
            Check(NativeProcess.sigaddset(set, NativeConvert.FromSignum(signal)), "sigaddset");
        }

        Check(NativeProcess.posix_spawnattr_setsigdefault(attributes, set), "setsigdefault");
        Check(NativeProcess.posix_spawnattr_setpgroup(attributes, 0), "setpgroup");
        Check(NativeProcess.posix_spawnattr_setflags(attributes,
            NativeProcess.SetProcessGroup | NativeProcess.SetSignalDefault | NativeProcess.SetSignalMask), "setflags");
    }

    private static void Check(int error, string call)
    {
        if (error != 0)
        {
            throw new QemuStartException($"{call} failed: {Stdlib.strerror((Errno)error)}");
        }
    }

    /// <summary>A null-terminated array of null-terminated UTF-8 strings.</summary>
    private sealed unsafe class NativeStrings : IDisposable
    {
        private readonly int _count;

        public NativeStrings(IReadOnlyList<string> strings)
        {
            _count = strings.Count;
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                var length = Encoding.UTF8.GetByteCount(strings[i]);
                Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)length + 1);
                Encoding.UTF8.GetBytes(strings[i], new Span<byte>(Pointer[i], length));
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            for (var i = 0; i < _count; i++)
            {
                NativeMemory.Free(Pointer[i]);
            }

            NativeMemory.Free(Pointer);
        }
    }
}
