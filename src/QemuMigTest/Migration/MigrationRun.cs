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
    private const uint MarkerPage = 10;
    private const uint MarkerOffset = 0x800;
    private const int CounterBytes = 256;
    private readonly ulong _markerValue;
    private readonly ProcessResources? _sourceResources;
    private readonly ProcessResources? _destinationResources;
    private readonly IReadOnlyDictionary<string, bool> _disks;
    private int _serialPosition;

    internal MigrationRun(MigrationPair pair, MigrationChannel channel, int number, RunState sourceState)
    {
        Pair = pair;
        Channel = channel;
        Number = number;
        Source = pair.Source;
        Destination = pair.Destination;
        SourceState = sourceState;
        SourceWasRunning = sourceState.Running || pair.GuestSuspended && !pair.SourceStopped;
        SourceEvents = Source.EventPosition;
        DestinationEvents = pair.Options.Mode.DestinationJoinsLater ? 0 : Destination.EventPosition;
        Source.SkipStatuses();
        _disks = MigrationPair.DisksOf(Source);
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

    /// <summary>Whether the guest was not stopped when it started, or since (<see cref="StopGuestAsync"/>): then the destination resumes by itself.</summary>
    public bool SourceWasRunning { get; private set; }

    /// <summary>The source's run state when it started, or since. A stopped guest arrives in it, and a source whose migration comes to nothing is in it again.</summary>
    public RunState SourceState { get; private set; }

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

    private ulong MarkerAddress => Pair.Program.Settings.DirtiedPage(MarkerPage) + MarkerOffset;

    /// <summary>Stops the guest (<c>stop</c>) on a source that is still sending: it arrives stopped.</summary>
    public async Task StopGuestAsync(CancellationToken ct)
    {
        await Pair.StopSourceAsync(ct);
        await NoteSourceStateAsync(ct);
    }

    /// <summary>Lets a guest that was stopped run (<c>cont</c>) on a source that is still sending: the destination resumes by itself.</summary>
    public async Task ContinueGuestAsync(CancellationToken ct)
    {
        await Pair.ContinueSourceAsync(ct);
        await NoteSourceStateAsync(ct);
    }

    private async Task NoteSourceStateAsync(CancellationToken ct)
    {
        SourceState = await Source.QueryStatusAsync(ct);
        SourceWasRunning = SourceState.Running;
    }

    /// <summary>Waits for a status on the source; see <see cref="MigrationSide.WaitForStatusAsync"/>. In pre-switchover, which lasts until the source is told to go on, it must have its disks as before.</summary>
    /// <exception cref="QemuMigTestException">In pre-switchover it has given a disk away.</exception>
    public async Task WaitForStatusAsync(MigrationStatus goal, CancellationToken ct)
    {
        if (goal == MigrationStatus.Failed || goal == MigrationStatus.Failing || goal == MigrationStatus.Cancelling || goal == MigrationStatus.Cancelled)
        {
            await Source.WaitForStatusAsync(goal, null, ct);
            return;
        }

        await WatchAsync(token => Source.WaitForStatusAsync(goal, null, token), ct);
        if (goal == MigrationStatus.PreSwitchover)
        {
            SeeDisks();
        }
    }

    /// <summary>Waits until the source has begun its n-th pass over RAM (MIGRATION_PASS, since 2.6). With postcopy-ram a QEMU from 11.0 on counts each
    /// of its iterations, of 100 ms or less, so that nothing need have been sent then: see <see cref="WaitForPageSentAsync"/>.</summary>
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

    /// <summary>Asks query-migrate on the source until it says what no event tells of, while the migration moves RAM.</summary>
    /// <param name="what">What is waited for, for the error.</param>
    /// <param name="reached">Whether it is there.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>The answer that said so.</returns>
    /// <exception cref="MigrationFailedException">The migration ended before, or came to its switchover.</exception>
    /// <exception cref="WaitTimeoutException">It did not come within a step's limit; the last answer is named.</exception>
    public async Task<MigrationInfo> WaitForInfoAsync(string what, Func<MigrationInfo, bool> reached, CancellationToken ct)
    {
        MigrationInfo? seen = null;
        await WatchAsync(watched => Poll.UntilAsync(Source.Name, what, async token =>
        {
            seen = await Source.QueryMigrateAsync(token);
            if (reached(seen))
            {
                return this;
            }

            return IsEnd(seen.Status) || seen.Status == MigrationStatus.PreSwitchover
                ? throw new MigrationFailedException(Source.Name, seen.Status, what, seen.ErrorDescription)
                : null;
        }, () => $"{seen}; {Source.Process.LastSeen()}", Pair.Environment.Limits.Step, watched), ct);
        return seen!;
    }

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
        var page = Pair.Program.Settings.DirtiedPage(MarkerPage);
        var before = Source.Process.QTest!.Read(page, CounterBytes);
        await WatchAsync(watched => Poll.UntilAsync(Source.Name, $"the guest to write to the page at 0x{page:x}", token =>
        {
            ThrowIfEnded();
            return Task.FromResult(Source.Process.QTest!.Read(page, CounterBytes).AsSpan().SequenceEqual(before) ? null : this);
        }, Source.Process.LastSeen, Pair.Environment.Limits.Step, watched), ct);
    }

    /// <summary>Waits for pass 3, in which xbzrle has every page in its cache, and lets passes last as long as those before it: it would make one in 12 ms, for which a vCPU may have to wait
    /// for a busy machine's processor, and then has written to nothing. Does nothing without the capability.</summary>
    /// <exception cref="MigrationFailedException">The migration ended before.</exception>
    public async Task HoldXbzrleAsync(CancellationToken ct)
    {
        if (Pair.Options.Capabilities.Contains(MigrationCapability.Xbzrle))
        {
            await WaitForPassAsync(3, ct);
            await Source.SetParametersAsync(ConvergenceParameters.OfKeptPages(), ct);
        }
    }

    /// <summary>Lets the migration complete: unlimited bandwidth, 300 s of downtime.</summary>
    public Task AllowConvergenceAsync(CancellationToken ct) => Pair.SetConvergenceAsync(Convergence.Allowed, ct);

    /// <summary>Lets a migration go on that waits in pre-switchover (migrate-continue, since 2.11; capability pause-before-switchover).</summary>
    public Task ContinueFromPreSwitchoverAsync(CancellationToken ct) =>
        Source.ExecuteAsync("migrate-continue", new() { ["state"] = MigrationStatus.PreSwitchover.Name }, ct);

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
            MachineProbe.Plant(Source, Number, clock: !Pair.Options.HpetStopped);
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

    // Jobs that write to them are still to be ended then.
    private void SeeDisks()
    {
        var now = MigrationPair.DisksOf(Source);
        if (_disks.Where(disk => disk.Value && !now.GetValueOrDefault(disk.Key)).Select(disk => Path.GetFileName(disk.Key)).ToList() is { Count: > 0 } lost)
        {
            throw new QemuMigTestException($"{Source.Name}: in {MigrationStatus.PreSwitchover} its disks must be its own until migrate-continue; it has {string.Join(", ", lost)} open for reading alone: block nodes are inactive");
        }
    }

    private void MarkPage(ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Source.Process.QTest!.Write(MarkerAddress, bytes);
        Pair.Remember(Pair.MemoryModel.WithWritten(MarkerAddress, bytes));
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

    private void ThrowIfEnded()
    {
        if (Source.Process.Qmp.Events.Snapshot().Skip(SourceEvents).Select(MigrationSide.StatusOf).FirstOrDefault(IsEnd) is { } seen)
        {
            throw new MigrationFailedException(Source.Name, seen, "RAM on its way", null);
        }
    }
}
