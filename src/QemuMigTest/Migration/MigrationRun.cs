using System.Buffers.Binary;
using QemuMigTest.Migration.Channels;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Migration;

/// <summary>One migration of a pair, step by step. Each step waits for what proves that it is done.</summary>
public sealed partial class MigrationRun
{
    private const string PassEvent = "MIGRATION_PASS";

    // Early in RAM, so that a held migration comes by soon; and not where the guest program counts.
    private const uint MarkerPage = 8;
    private const uint MarkerOffset = 0x800;
    private const int CounterBytes = 256;
    private readonly ulong _markerValue;
    private readonly ProcessResources? _sourceResources;
    private readonly ProcessResources? _destinationResources;
    private int _serialPosition;

    internal MigrationRun(MigrationPair pair, MigrationChannel channel, int number, bool sourceWasRunning)
    {
        Pair = pair;
        Channel = channel;
        Number = number;
        Source = pair.Source;
        Destination = pair.Destination;
        SourceWasRunning = sourceWasRunning;
        SourceEvents = Source.EventPosition;
        DestinationEvents = pair.Options.Mode.DestinationJoinsLater ? 0 : Destination.EventPosition;
        Source.SkipStatuses();
        _sourceResources = ProcessResources.Read(Source.Process.Child.Id);
        _destinationResources = pair.Options.Mode.DestinationJoinsLater ? null : ProcessResources.Read(Destination.Process.Child.Id);
        _markerValue = 0xfeed_0000_0000_0000 + (ulong)number;
    }

    /// <summary>The pair.</summary>
    public MigrationPair Pair { get; }

    /// <summary>What carries it.</summary>
    public MigrationChannel Channel { get; private set; }

    /// <summary>1 for the pair's first migration, and so on.</summary>
    public int Number { get; }

    /// <summary>The side that it starts from.</summary>
    public MigrationSide Source { get; }

    /// <summary>The side that it goes to. With cpr-exec there is none until the migration completes.</summary>
    public MigrationSide Destination { get; private set; }

    /// <summary>Whether the guest was not stopped when it started: then the destination resumes by itself.</summary>
    public bool SourceWasRunning { get; }

    /// <summary>How far it has come.</summary>
    public MigrationOutcome Outcome { get; private set; }

    /// <summary>What becomes of the destination when it fails or is cancelled; set with the outcome.</summary>
    public DestinationEnd DestinationEnd { get; private set; } = DestinationEnd.Stays;

    /// <summary>The source's query-migrate at the end, or null before.</summary>
    public MigrationInfo? Result { get; private set; }

    /// <summary>Where its events start in the source's log.</summary>
    public int SourceEvents { get; }

    /// <summary>Where its events start in the destination's log.</summary>
    public int DestinationEvents { get; }

    private ulong MarkerAddress => Pair.Program.Settings.RegionStart + (MarkerPage * Pair.Program.Settings.PageStride) + MarkerOffset;

    /// <summary>Waits for a status on the source; see <see cref="MigrationSide.WaitForStatusAsync"/>.</summary>
    public Task WaitForStatusAsync(MigrationStatus goal, CancellationToken ct) =>
        goal == MigrationStatus.Failed || goal == MigrationStatus.Failing || goal == MigrationStatus.Cancelling || goal == MigrationStatus.Cancelled
            ? Source.WaitForStatusAsync(goal, null, ct)
            : WatchAsync(token => Source.WaitForStatusAsync(goal, null, token), ct);

    /// <summary>Waits until the source has begun its n-th pass over RAM (MIGRATION_PASS, since 2.6).</summary>
    /// <param name="pass">1 for the first.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="MigrationFailedException">The migration ended before.</exception>
    public Task WaitForPassAsync(int pass, CancellationToken ct) => WatchAsync(async token =>
    {
        var found = await Source.Process.WaitForEventAsync(
            e => (e.Name == PassEvent && e.Data.GetProperty("pass").GetInt64() >= pass) || IsEnd(MigrationSide.StatusOf(e)), SourceEvents, $"pass {pass} of the migration", token);
        if (MigrationSide.StatusOf(found) is { } ended)
        {
            throw new MigrationFailedException(Source.Name, ended, $"pass {pass}", (await Source.QueryMigrateAsync(token)).ErrorDescription);
        }
    }, ct);

    /// <summary>Waits until a page that was marked before the migration is on the destination: RAM is on its way.</summary>
    /// <exception cref="InvalidOperationException">Both sides have the same RAM: what is there proves nothing.</exception>
    public Task WaitForPageSentAsync(CancellationToken ct)
    {
        if (Pair.Options.Ram == GuestRam.SharedFile || Pair.Options.Mode.DestinationJoinsLater)
        {
            throw new InvalidOperationException("Source and destination share the guest's RAM: a page that is seen on the destination was not sent.");
        }

        ulong seen = 0;
        return WatchAsync(watched => Poll.UntilAsync(Destination.Name, $"the marked page at 0x{MarkerAddress:x}", token =>
        {
            ThrowIfEnded();
            seen = Destination.Process.QTest!.ReadUInt64(MarkerAddress);
            return Task.FromResult(seen == _markerValue ? this : null);
        }, () => $"0x{seen:x} there; {Source.Process.LastSeen()}", Pair.Environment.Limits.Step, watched), ct);
    }

    /// <summary>Waits until a page that is on the destination already was written again by the guest: it must be sent twice.</summary>
    public async Task WaitForSentPageDirtiedAsync(CancellationToken ct)
    {
        await WaitForPageSentAsync(ct);
        var page = Pair.Program.Settings.RegionStart + (MarkerPage * Pair.Program.Settings.PageStride);
        var before = Source.Process.QTest!.Read(page, CounterBytes);
        await WatchAsync(watched => Poll.UntilAsync(Source.Name, $"the guest to write to the page at 0x{page:x}", token =>
        {
            ThrowIfEnded();
            return Task.FromResult(Source.Process.QTest!.Read(page, CounterBytes).AsSpan().SequenceEqual(before) ? null : this);
        }, Source.Process.LastSeen, Pair.Environment.Limits.Step, watched), ct);
    }

    /// <summary>Lets the migration complete: unlimited bandwidth, 30 s of downtime.</summary>
    public Task AllowConvergenceAsync(CancellationToken ct) => Pair.SetConvergenceAsync(Convergence.Allowed, ct);

    /// <summary>Switches to postcopy (migrate-start-postcopy, since 2.6): the destination runs when this returns.</summary>
    public async Task StartPostcopyAsync(CancellationToken ct)
    {
        await WatchAsync(async token =>
        {
            await Source.ExecuteAsync("migrate-start-postcopy", null, token);
            await Source.WaitForEventAsync("STOP", SourceEvents, token);
            await Destination.WaitForEventAsync("RESUME", DestinationEvents, token);
        }, ct);
        Pair.HandOver();
    }

    /// <summary>Breaks postcopy's channel on the source (migrate-pause, since 3.0) and waits until both sides have noticed.</summary>
    public Task PauseAsync(CancellationToken ct) => WatchAsync(async token =>
    {
        await Source.PausePostcopyAsync(token);
        await Destination.WaitForStatusAsync(MigrationStatus.PostcopyPaused, ct: token);
    }, ct);

    /// <summary>Goes on with a paused postcopy over another channel (migrate-recover, migrate with resume; since 3.0).</summary>
    public async Task RecoverAsync(MigrationChannel channel, CancellationToken ct)
    {
        Channel.Dispose();
        Channel = channel;
        await Destination.Process.ExecuteOutOfBandAsync("migrate-recover", await channel.ListenAsync(Pair, ct), ct);
        var arguments = await channel.ConnectAsync(Pair, ct);
        arguments["resume"] = true;
        await Source.ExecuteAsync("migrate", arguments, ct);
    }

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

    /// <summary>Lets a migration go on that waits in pre-switchover (migrate-continue, since 2.11; capability pause-before-switchover).</summary>
    public Task ContinueFromPreSwitchoverAsync(CancellationToken ct) =>
        Source.ExecuteAsync("migrate-continue", new() { ["state"] = MigrationStatus.PreSwitchover.Name }, ct);

    /// <summary>Cancels (migrate_cancel) and waits until the source says cancelled.</summary>
    /// <param name="destination">What becomes of the destination.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task CancelAsync(DestinationEnd destination, CancellationToken ct)
    {
        await RequestCancelAsync(ct);
        await WaitForEndAsync(MigrationStatus.Cancelled, ct);
        await EndAsync(MigrationOutcome.Cancelled, destination, ct);
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

    /// <summary>The descriptors and threads that a side had before this migration, or null where that is not known.</summary>
    internal ProcessResources? ResourcesBefore(MigrationSide side) => side == Source ? _sourceResources : side == Destination ? _destinationResources : null;

    internal async Task StartAsync(CancellationToken ct)
    {
        MarkPage(_markerValue);
        if (Pair.StateProgram is null)
        {
            NoisePages.Write(Pair, Number);
        }

        if (Pair.HasComparableMachine)
        {
            MachineProbe.Plant(Source, Number);
        }

        if (Pair.Options.Mode == MigrationMode.CprTransfer)
        {
            await StartTransferAsync((CprTransferChannel)Channel, ct);
            return;
        }

        if (Pair.Options.Mode == MigrationMode.CprExec)
        {
            await Pair.PrepareSuccessorAsync(ct);
        }
        else
        {
            Destination.SkipStatuses();
            _serialPosition = Destination.Serial.Position;
        }

        try
        {
            if (!Channel.DestinationReadsAfterwards)
            {
                await ListenAsync(ct);
            }

            await Source.ExecuteAsync("migrate", await Channel.ConnectAsync(Pair, ct), ct);
        }
        catch (QmpCommandException)
        {
            Outcome = MigrationOutcome.Refused;
            throw;
        }
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
            await Destination.ContinueAsync(ct);
        }

        if (!Pair.GuestSuspended)
        {
            await Destination.Serial.WaitForAsync('B', _serialPosition, ct);
        }

        await Channel.VerifyCompletedAsync(Pair, ct);
    }

    private void MarkPage(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Source.Process.QTest!.Write(MarkerAddress, bytes);
        Pair.Remember(Pair.MemoryModel.WithWritten(MarkerAddress, bytes));
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

    private async Task ListenAsync(CancellationToken ct)
    {
        var arguments = await Channel.ListenAsync(Pair, ct);
        if (!Pair.Options.ExitOnError)
        {
            arguments["exit-on-error"] = false;
        }

        await Destination.ExecuteAsync("migrate-incoming", arguments, ct);
    }

    private Task WatchAsync(Func<CancellationToken, Task> step, CancellationToken ct) =>
        PairWatch.WhileAliveAsync($"migration {Number}", step, ct, [.. new[] { Source, Destination }.Where(side => side is not null)]);

    private static bool IsEnd(MigrationStatus? status) =>
        status == MigrationStatus.Failed || status == MigrationStatus.Completed || status == MigrationStatus.Cancelled;

    private void ThrowIfEnded()
    {
        if (Source.Process.Qmp.Events.Snapshot().Skip(SourceEvents).Select(MigrationSide.StatusOf).FirstOrDefault(IsEnd) is { } seen)
        {
            throw new MigrationFailedException(Source.Name, seen, "RAM on its way", null);
        }
    }
}
