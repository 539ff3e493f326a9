using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Migration;

/// <summary>Ends a step of a migration when a QEMU ends during it, and names that QEMU: its peer knows only of a lost channel, or waits for ever.</summary>
internal static class PairWatch
{
    /// <summary>Takes a step during which none of these QEMUs may end.</summary>
    /// <param name="what">What the step is part of, for the error.</param>
    /// <param name="step">The step.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="sides">The sides whose QEMUs must live.</param>
    /// <exception cref="QemuExitedException">One of them ended; where several did, the one that a signal ended, else the first of <paramref name="sides"/>.</exception>
    public static async Task WhileAliveAsync(string what, Func<CancellationToken, Task> step, CancellationToken ct, params MigrationSide[] sides)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var work = step(stop.Token);
        if (await Task.WhenAny([work, .. sides.Select(side => side.Process.Exited)]) != work)
        {
            await stop.CancelAsync();
        }

        try
        {
            await work;
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is QemuMigTestException or OperationCanceledException)
        {
            if (MayComeOfAnEnd(e) && await FindEndedAsync(sides) is { } ended)
            {
                throw new QemuExitedException(ended.Name, await ended.Process.Exited, e is MigrationFailedException ? $"{what} ({e.Message})" : what, ended.Process.Stderr, e);
            }

            if (e is QTestException { InnerException: SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } } late
                && sides.FirstOrDefault(side => side.Name == late.Name) is { } silent)
            {
                throw new WaitTimeoutException(silent.Name, $"the reply to qtest's {late.Command}", silent.Process.QTest!.Timeout, silent.Process.LastSeen());
            }

            ExceptionDispatchInfo.Throw(e);
        }
    }

    private static bool MayComeOfAnEnd(Exception e) => e is not (Qmp.QmpCommandException or WaitTimeoutException);

    private static async Task<MigrationSide?> FindEndedAsync(IReadOnlyList<MigrationSide> sides)
    {
        // A QEMU that fails, or is killed, is reaped a moment after its peer has lost it; and a peer may end, with an exit code, before it.
        var late = Task.Delay(sides[0].Process.Options.Limits.Reap, TimeProvider.System, CancellationToken.None);
        while (!sides.Any(side => side.Process.Exited is { IsCompletedSuccessfully: true, Result.Signal: not null })
            && sides.Select(side => side.Process.Exited).Where(exited => !exited.IsCompleted).ToList() is { Count: > 0 } running
            && await Task.WhenAny([late, .. running]) != late)
        {
        }

        return sides.Where(side => side.Process.Exited.IsCompletedSuccessfully).OrderBy(side => side.Process.Exited.Result.Signal is null).FirstOrDefault();
    }
}
