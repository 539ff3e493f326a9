using System.Runtime.InteropServices;

namespace QemuMigTest.Cli;

/// <summary>What ends a command before it is done: a signal, or a reader of its output who has gone.</summary>
internal sealed class Interruption : IDisposable
{
    private static readonly (PosixSignal Signal, string Name, int ExitCode)[] Signals =
    [
        (PosixSignal.SIGHUP, "SIGHUP", 128 + 1),
        (PosixSignal.SIGINT, "SIGINT", 128 + 2),
        (PosixSignal.SIGQUIT, "SIGQUIT", 128 + 3),
        (PosixSignal.SIGTERM, "SIGTERM", 128 + 15),
    ];

    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _cancellation = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Lock _lock = new();
    private Action<string, int>? _handler;
    private Timer? _deadline;

    /// <summary>Fires with the interruption.</summary>
    public CancellationToken Token => _cancellation.Token;

    /// <summary>What interrupted the command; null as long as nothing has.</summary>
    public string? Reason { get; private set; }

    /// <summary>What the command shall return, once it has been interrupted.</summary>
    public int ExitCode { get; private set; }

    /// <summary>Whether threads may be left that only the end of the process ends.</summary>
    public bool LeftThreads { get; set; }

    /// <summary>Takes signals from now on: the first ends the command in good order, the second at once.</summary>
    public void ListenToSignals()
    {
        foreach (var (signal, name, exitCode) in Signals)
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                if (!Fire(name, exitCode))
                    EndAtOnce(exitCode);
                else
                    _deadline = new Timer(_ => EndAtOnce(exitCode), null, LongestEnd, Timeout.InfiniteTimeSpan);
            }));
        }
    }

    /// <summary>What is called, with the reason and the exit code, when the command is interrupted; at once if it has been.</summary>
    public void WhenFired(Action<string, int> handler)
    {
        string? reason;
        lock (_lock)
        {
            _handler = handler;
            reason = Reason;
        }
        if (reason is not null)
            handler(reason, ExitCode);
    }

    /// <summary>Interrupts the command. False if it has been interrupted before.</summary>
    public bool Fire(string reason, int exitCode)
    {
        Action<string, int>? handler;
        lock (_lock)
        {
            if (Reason is not null)
                return false;
            Reason = reason;
            ExitCode = exitCode;
            handler = _handler;
        }
        handler?.Invoke(reason, exitCode);
        _cancellation.Cancel();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _deadline?.Dispose();
        _cancellation.Dispose();
    }

    // Also where standard output is blocked and the command can not come to its end.
    private static void EndAtOnce(int exitCode) => Environment.Exit(exitCode);
}
