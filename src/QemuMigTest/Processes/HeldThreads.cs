using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace QemuMigTest.Processes;

/// <summary>Threads of another process that stand still (ptrace), while the rest of it runs, until this is disposed of: a schedule that comes about by chance is made to come about.</summary>
public sealed class HeldThreads : IDisposable
{
    private readonly int _processId;
    private readonly Func<string, bool> _chosen;
    private readonly TaskCompletionSource<IReadOnlyList<string>> _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _release = new();
    private readonly Thread _tracer;
    private bool _released;

    private HeldThreads(int processId, Func<string, bool> chosen)
    {
        (_processId, _chosen) = (processId, chosen);
        // Only the thread that seized another may release it, and when it ends the kernel does.
        _tracer = new Thread(Trace) { IsBackground = true, Name = $"hold {processId}" };
        _tracer.Start();
    }

    /// <summary>The names of those that stand still.</summary>
    public IReadOnlyList<string> Names => _held.Task.Result;

    /// <summary>Stops threads of a process.</summary>
    /// <param name="processId">The process: a child of this one, where the kernel lets none but parents trace (Yama).</param>
    /// <param name="chosen">Which, by their names (a QEMU's with debug-threads=on, its first 15 bytes).</param>
    /// <exception cref="Win32Exception">The kernel lets no process trace another here, or the thread has ended.</exception>
    public static async Task<HeldThreads> HoldAsync(int processId, Func<string, bool> chosen)
    {
        var held = new HeldThreads(processId, chosen);
        await held._held.Task;
        return held;
    }

    /// <summary>Lets them go on: a system call that they were stopped in is begun anew.</summary>
    public void Dispose()
    {
        if (_released)
        {
            return;
        }

        _released = true;
        _release.Set();
        _tracer.Join();
        _release.Dispose();
    }

    private void Trace()
    {
        var seized = new List<int>();
        try
        {
            var names = new List<string>();
            foreach (var task in Directory.EnumerateDirectories($"/proc/{_processId}/task"))
            {
                var name = File.ReadAllText($"{task}/comm").TrimEnd();
                if (_chosen(name))
                {
                    var id = int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture);
                    Call(NativeProcess.PtraceSeize, id);
                    seized.Add(id);
                    Call(NativeProcess.PtraceInterrupt, id);
                    WaitUntilStopped(id);
                    names.Add(name);
                }
            }

            _held.SetResult(names);
            _release.Wait();
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            _held.SetException(e);
        }
        finally
        {
            // One that has ended meanwhile needs no release.
            seized.ForEach(id => _ = NativeProcess.ptrace(NativeProcess.PtraceDetach, id, 0, 0));
        }
    }

    private static void Call(int request, int thread)
    {
        if (NativeProcess.ptrace(request, thread, 0, 0) != 0)
        {
            throw Failed($"ptrace({request}) of thread {thread}");
        }
    }

    private static void WaitUntilStopped(int thread)
    {
        int waited;
        while ((waited = NativeProcess.wait4(thread, out _, NativeProcess.WaitAll, out _)) < 0 && Marshal.GetLastPInvokeError() == NativeProcess.Interrupted)
        {
        }

        if (waited != thread)
        {
            throw Failed($"wait4({thread})");
        }
    }

    private static Win32Exception Failed(string call)
    {
        var error = Marshal.GetLastPInvokeError();
        return new Win32Exception(error, $"{call}: {Marshal.GetPInvokeErrorMessage(error)}");
    }
}
