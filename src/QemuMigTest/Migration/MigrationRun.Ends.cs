using QemuMigTest.Guests;
using QemuMigTest.Migration.Channels;
using QemuMigTest.Processes;

namespace QemuMigTest.Migration;

// How a migration ends: completed, cancelled or failed, on both sides.
public sealed partial class MigrationRun
{
    /// <summary>Waits until both sides say completed and the guest writes on the destination's serial line.</summary>
    /// <exception cref="QemuExitedException">A QEMU ended meanwhile.</exception>
    /// <exception cref="MigrationFailedException">It ended otherwise.</exception>
    public async Task CompleteAsync(CancellationToken ct)
    {
        await WatchAsync(FollowToTheEndAsync, ct);
        Outcome = MigrationOutcome.Completed;
    }

    /// <summary>Sends migrate_cancel to the source and does not wait.</summary>
    public Task RequestCancelAsync(CancellationToken ct) => Source.ExecuteAsync("migrate_cancel", null, ct);

    /// <summary>Cancels (migrate_cancel) and waits until the source says cancelled.</summary>
    /// <param name="destination">What becomes of the destination.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task CancelAsync(DestinationEnd destination, CancellationToken ct)
    {
        await RequestCancelAsync(ct);
        await WaitForEndAsync(MigrationStatus.Cancelled, ct);
        await EndAsync(MigrationOutcome.Cancelled, destination, ct);
    }

    /// <summary>Loses the destination while the source waits in pre-switchover, and lets the source go on. Needs pause-before-switchover.</summary>
    /// <param name="proxy">The channel, which is broken as well.</param>
    /// <param name="ct">Ends it.</param>
    public async Task LoseBeforeSwitchoverAsync(ProxyChannel proxy, CancellationToken ct)
    {
        await WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        await Pair.LoseAsync(Destination, ct);
        // A QEMU that was killed may keep its sockets for some ms: what is written to them then is not seen to be lost (docs/findings.md).
        proxy.Break();
        await ContinueFromPreSwitchoverAsync(ct);
    }

    /// <summary>Waits until the migration has failed, for the reason that is expected.</summary>
    /// <param name="sourceError">What the source's error-desc must contain.</param>
    /// <param name="destination">What becomes of the destination.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="MigrationFailedException">It ended otherwise.</exception>
    /// <exception cref="QemuMigTestException">It failed for another reason, or the destination ended otherwise.</exception>
    public Task FailAsync(string sourceError, DestinationEnd destination, CancellationToken ct) =>
        FailAsync(sourceError.Length > 0 ? [sourceError] : [], destination, ct);

    /// <summary>The same, where the source's words depend on what it was doing when it lost the connection; what the destination says is then the reason.</summary>
    /// <param name="sourceErrors">Of these the source's error-desc must contain one; none for any or no words.</param>
    /// <param name="destination">What becomes of the destination.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <inheritdoc cref="FailAsync(string, DestinationEnd, CancellationToken)" path="/exception"/>
    public async Task FailAsync(IReadOnlyList<string> sourceErrors, DestinationEnd destination, CancellationToken ct)
    {
        await WaitForEndAsync(MigrationStatus.Failed, ct);
        var said = (await Source.QueryMigrateAsync(ct)).ErrorDescription;
        if (sourceErrors.Count > 0 && !sourceErrors.Any(wanted => said?.Contains(wanted, StringComparison.Ordinal) == true))
        {
            throw new QemuMigTestException($"{Source.Name}: the migration failed, but not for the expected reason \"{string.Join("\" or \"", sourceErrors)}\"; query-migrate says: {said ?? "nothing"}");
        }

        await EndAsync(MigrationOutcome.Failed, destination, ct);
    }

    private async Task FollowToTheEndAsync(CancellationToken ct)
    {
        await WaitForEndAsync(MigrationStatus.Completed, ct);
        if (Pair.Options.Mode == MigrationMode.CprExec)
        {
            Join(await Pair.JoinSuccessorAsync(ct));
        }
        else
        {
            Result = await Source.QueryMigrateAsync(ct);
        }

        if (Channel.DestinationReadsAfterwards)
        {
            await ListenAsync(ct);
        }

        await Destination.WaitForStatusAsync(MigrationStatus.Completed, ct: ct);
        Pair.HandOver();
        if (SourceWasRunning)
        {
            await Destination.WaitForEventAsync("RESUME", DestinationEvents, ct);
        }
        else
        {
            await GoOnStoppedAsync(ct);
        }

        if (!Pair.GuestSuspended)
        {
            await Destination.Serial.WaitForAsync('B', _serialPosition, ct);
        }

        await Channel.VerifyCompletedAsync(Pair, ct);
    }

    private async Task EndAsync(MigrationOutcome outcome, DestinationEnd destination, CancellationToken ct)
    {
        Result = await Source.QueryMigrateAsync(ct);
        Outcome = outcome;
        DestinationEnd = destination;
        if (destination.SaysFailed)
        {
            await SeeDestinationFailAsync(destination.Error, ct);
        }

        if (!SourceWasRunning)
        {
            await SeeSourceStateAsync(ct);
        }

        var process = Destination.Process;
        if (destination.Complains)
        {
            await PairWatch.WhileAliveAsync("the destination's complaint", watched => Poll.UntilAsync(process.Name, $"QEMU's stderr to say \"{destination.Error}\"",
                _ => Task.FromResult(process.Stderr.Contains(destination.Error, StringComparison.Ordinal) ? this : null),
                () => $"stderr: {process.Stderr}", Pair.Environment.Limits.Step, watched), ct, Destination);
        }

        if (destination.ExitCode is not { } code)
        {
            return;
        }

        var status = await Deadline.WithinAsync(Pair.Environment.Limits.Step, token => process.Exited.WaitAsync(token),
            () => new WaitTimeoutException(process.Name, $"QEMU to exit with code {code} after the migration ended as {outcome}", Pair.Environment.Limits.Step, process.LastSeen()), ct);
        if (status.Code != code)
        {
            throw new QemuExitedException(process.Name, status, $"a migration that ended as {outcome}, where exit code {code} was expected", process.Stderr);
        }

        if (!process.Stderr.Contains(destination.Error, StringComparison.Ordinal))
        {
            throw new QemuMigTestException($"{process.Name}: QEMU exited with code {code}, but its stderr does not say \"{destination.Error}\"; it says: {process.Stderr}");
        }
    }

    private async Task GoOnStoppedAsync(CancellationToken ct)
    {
        // In postcopy QEMU has other ideas of it, and runs a guest that was paused: docs/findings.md.
        if (!Said(MigrationStatus.PostcopyActive) && await Destination.QueryStatusAsync(ct) is var state && state != SourceState)
        {
            throw new QemuMigTestException($"{Destination.Name}: the guest left the source in run state {SourceState}; query-status says {state}");
        }

        if (!Said(MigrationStatus.PostcopyActive) && Pair.StateProgram is null && !Pair.GuestSuspended)
        {
            await SeeKnownPagesAsync(ct);
        }

        await Pair.GoOnAsync(ct);
    }

    // A guest that goes on turns the pages that turn, and then it does not show any more that one of them was an old one.
    private async Task SeeKnownPagesAsync(CancellationToken ct)
    {
        var state = await Destination.ReadGuestStateAsync(ct);
        if (state.Phase != GuestPhase.Running)
        {
            return;
        }

        var memory = await Destination.Memory.OpenAsync(0, Pair.Program.Settings.RegionStart, ct);
        var damaged = new MemoryCheckBuilder(GuestProgramSettings.PageSize);
        var pages = memory.Check(Pair.MemoryModel.Outside.At(state), damaged);
        if (damaged.Build(state, 0, pages) is { IsIntact: false } check)
        {
            throw new QemuMigTestException($"{Destination.Name}: {check.Describe("pages of low memory of which all is known")}");
        }
    }

    // No event tells of it, and a failed migration says so before it gives the guest back.
    private async Task SeeSourceStateAsync(CancellationToken ct)
    {
        RunState? seen = null;
        var mayBeLost = RunState.IsLostInSwitchover(Source.Binary.Version) && (Said(MigrationStatus.PreSwitchover) || Said(MigrationStatus.Device));
        await Poll.UntilAsync(Source.Name, $"run state {SourceState}, in which its guest was before migration {Number}, which ended as {Outcome}",
            async token => (seen = await Source.QueryStatusAsync(token)) == SourceState || mayBeLost && seen is { Name: "postmigrate", Running: false } ? this : null, () => $"{seen}", Pair.Environment.Limits.Command, ct);
    }

    private bool Said(MigrationStatus status) => Source.Process.Qmp.Events.Snapshot().Skip(SourceEvents).Any(e => MigrationSide.StatusOf(e) == status);

    // From the migration's start: a test may have waited for the same status before.
    private async Task WaitForEndAsync(MigrationStatus goal, CancellationToken ct)
    {
        var found = await Source.Process.WaitForEventAsync(e => IsEnd(MigrationSide.StatusOf(e)), SourceEvents, $"migration status {goal}", ct);
        if (MigrationSide.StatusOf(found) is { } ended && ended != goal)
        {
            throw new MigrationFailedException(Source.Name, ended, $"status {goal}", (await Source.QueryMigrateAsync(ct)).ErrorDescription);
        }
    }

    private async Task SeeDestinationFailAsync(string error, CancellationToken ct)
    {
        await Destination.WaitForStatusAsync(MigrationStatus.Failed, ct: ct);
        if ((await Destination.QueryMigrateAsync(ct)).ErrorDescription is var said && said?.Contains(error, StringComparison.Ordinal) != true && error.Length > 0)
        {
            throw new QemuMigTestException($"{Destination.Name}: the migration failed, but not for the expected reason \"{error}\"; query-migrate says: {said ?? "nothing"}");
        }
    }

    private static bool IsEnd(MigrationStatus? status) =>
        status == MigrationStatus.Failed || status == MigrationStatus.Completed || status == MigrationStatus.Cancelled;
}
