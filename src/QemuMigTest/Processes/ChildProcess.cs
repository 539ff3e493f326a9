using System.ComponentModel;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace QemuMigTest.Processes;

/// <summary>A process that <see cref="ProcessSpawner"/> started: the leader of a process group of its own.</summary>
public sealed class ChildProcess
{
    private const int SignalInfoSize = 128;
    private const int SignalCodeOffset = 8;
    private const int Trapped = 4;
    private const int WaiterStackSize = 256 * 1024;
    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _reaping = new();

    internal ChildProcess(int pid, ChildCommand command)
    {
        Id = pid;
        Command = command;
        // A thread each, blocked in the kernel: the runtime's own reaping knows only the children it started.
        new Thread(Reap, WaiterStackSize) { IsBackground = true, Name = $"wait {pid}" }.Start();
    }

    /// <summary>The process's id, and its group's.</summary>
    public int Id { get; }

    /// <summary>What was started.</summary>
    public ChildCommand Command { get; }

    /// <summary>Completes when the process has ended and was reaped.</summary>
    public Task<ExitStatus> Exited => _exited.Task;

    /// <summary>Sends a signal to the process alone.</summary>
    /// <returns>False when the process has ended already.</returns>
    public bool Signal(Signum signal) => Send(Id, signal);

    /// <summary>Sends SIGKILL to the process and all of its group; also to what is left of the group when the process itself has ended.</summary>
    /// <returns>False when nothing was left.</returns>
    public bool Kill() => Send(-Id, Signum.SIGKILL) || KillLeftBehind();

    /// <summary>What the process does now, from /proc/PID/stat, in words: "running", "stopped by a signal", "ended with signal 9 (SIGKILL)".</summary>
    public string DescribeState()
    {
        if (Exited.IsCompletedSuccessfully)
        {
            return $"ended with {Exited.Result}";
        }

        try
        {
            var stat = File.ReadAllText($"/proc/{Id}/stat");
            return stat[stat.LastIndexOf(')') + 2] switch
            {
                'R' => "running",
                'S' => "sleeping",
                'D' => "waiting for a disk",
                'T' or 't' => "stopped by a signal",
                'Z' => "ended",
                var other => $"in state {other}",
            };
        }
        catch (IOException)
        {
            return "ended";
        }
    }

    // While the group has a member no new process gets its id. A process of just that id is therefore another's, and so is its group.
    private bool KillLeftBehind()
    {
        if (NativeProcess.kill(-Id, 0) != 0)
        {
            return false;
        }

        var all = ProcessEntry.ReadAll();
        var session = all.Find(process => process.Id == Environment.ProcessId)?.Session;
        var members = all.Where(process => process.Group == Id && !process.HasEnded).ToList();
        return members.Count > 0
            && members.TrueForAll(process => process.Id != Id && process.Session == session)
            && NativeProcess.kill(-Id, NativeConvert.FromSignum(Signum.SIGKILL)) == 0;
    }

    private bool Send(int target, Signum signal)
    {
        // Under the lock the process is not reaped yet, so its id cannot have become another's.
        lock (_reaping)
        {
            if (_exited.Task.IsCompleted)
            {
                return false;
            }

            if (NativeProcess.kill(target, NativeConvert.FromSignum(signal)) != 0)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError(), $"kill({target}, {signal})");
            }

            return true;
        }
    }

    private unsafe void Reap()
    {
        var info = stackalloc byte[SignalInfoSize];
        do
        {
            while (NativeProcess.waitid(NativeProcess.WaitForPid, Id, info, NativeProcess.WaitExited | NativeProcess.WaitNoReap) != 0)
            {
                if (Marshal.GetLastPInvokeError() != (int)Errno.EINTR)
                {
                    _exited.SetException(new Win32Exception(Marshal.GetLastPInvokeError(), $"waitid({Id})"));
                    return;
                }
            }
        }
        while (*(int*)(info + SignalCodeOffset) == Trapped); // Told to each thread of the tracer's process; the one that holds it (HeldThreads) takes it.

        lock (_reaping)
        {
            if (NativeProcess.wait4(Id, out var status, 0, out var usage) == Id)
            {
                _exited.SetResult(ExitStatus.FromWait(status, usage));
            }
            else
            {
                _exited.SetException(new Win32Exception(Marshal.GetLastPInvokeError(), $"wait4({Id})"));
            }
        }
    }
}
