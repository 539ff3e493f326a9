using QemuMigTest.Guests;
using QemuMigTest.Guests.State;
using QemuMigTest.Migration.Channels;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Migration;

/// <summary>A source and a destination QEMU, a guest in the source, and the migrations between them.</summary>
public sealed partial class MigrationPair : IAsyncDisposable
{
    /// <summary>The guest's RAM, MiB.</summary>
    public const int GuestMemoryMiB = 150;

    /// <summary>The guest's RAM, bytes.</summary>
    public const long GuestMemoryBytes = GuestMemoryMiB * 1024L * 1024L;

    private const string RamObject = "ram0";
    private const uint SparseStamps = 256;
    private const uint StampsInStride = 16;
    private const uint PassesOfFewPages = 100_000;
    private readonly List<MigrationRun> _runs = [];
    private readonly List<MigrationSide> _retired = [];
    private readonly List<MigrationSide> _lost = [];
    private SharedRamFile? _ram;
    private int _destinations;
    private bool _restarts;

    private MigrationPair(PairOptions options, MigrationEnvironment environment, ProcessSpawner spawner, ScratchDirectory scratch)
    {
        Options = options;
        Environment = environment;
        Scratch = scratch;
        // A KVM that emulates real and unpaged mode needs a minute for a stamp in every dword.
        var emulated = environment.Accelerator.Name == "kvm" && !environment.Host.HardwareVirtualization;
        var settings = new GuestProgramSettings { Suspend = options.GuestSuspends };
        var stride = options.PageStrideMiB << 20;
        settings = settings with
        {
            RegionEnd = settings.RegionStart + (options.RegionMiB << 20),
            PageStride = stride > 0 ? stride : settings.PageStride,
            StampSpacing = stride > 0 ? stride / StampsInStride : emulated ? SparseStamps : settings.StampSpacing,
            // As many markers a second as a large guest writes: a socket takes some 270 single bytes, and then QEMU's serial port loses what comes.
            PassesPerMarker = stride > 0 ? PassesOfFewPages : settings.PassesPerMarker * PairOptions.LargestRegionMiB / options.RegionMiB,
        };
        Program = GuestProgram.AB(settings);
        MemoryModel = new GuestMemoryModel(Program);
        StateProgram = options.StateGuest is { } state ? StateProgram.Create(state, StatePlan.Q35(state.FirmwareInterrupts), environment.Accelerator.Name == "tcg") : null;
        Spawner = spawner;
    }

    /// <summary>What is special in it.</summary>
    public PairOptions Options { get; }

    /// <summary>What it has in common with all pairs of the run.</summary>
    public MigrationEnvironment Environment { get; }

    /// <summary>Its sockets, disks and logs.</summary>
    public ScratchDirectory Scratch { get; }

    /// <summary>The guest program.</summary>
    public GuestProgram Program { get; }

    /// <summary>The state guest, where it is the one that is booted (<see cref="PairOptions.StateGuest"/>), or null.</summary>
    public StateProgram? StateProgram { get; }

    /// <summary>The side that the guest starts on.</summary>
    public MigrationSide Source { get; private set; } = null!;

    /// <summary>The side that it goes to; the newest one, where there were several. With cpr-transfer and cpr-exec there is none before the migration.</summary>
    public MigrationSide Destination { get; private set; } = null!;

    /// <summary>The side whose guest counts now: the source until the switchover, then the destination.</summary>
    public MigrationSide Holder { get; private set; } = null!;

    /// <summary>What the guest's memory must be, with what the framework wrote into it.</summary>
    public GuestMemoryModel MemoryModel { get; private set; }

    /// <summary>The guest sleeps in ACPI S3: it does not move until it is woken up.</summary>
    public bool GuestSuspended { get; private set; }

    /// <summary>The guest was woken up, or its machine was reset: its program has started anew, or will when it goes on.</summary>
    public bool GuestRestarted { get; private set; }

    /// <summary>The migrations so far, in order.</summary>
    public IReadOnlyList<MigrationRun> Runs => _runs;

    /// <summary>Destinations that were replaced by another.</summary>
    public IReadOnlyList<MigrationSide> Retired => _retired;

    /// <summary>Sides whose QEMU was ended on purpose.</summary>
    public IReadOnlyList<MigrationSide> Lost => _lost;

    /// <summary>All sides of the pair, those that have executed another QEMU in their process included.</summary>
    public IEnumerable<MigrationSide> Sides => new[] { Source, Destination }.Concat(_retired).Where(side => side is not null);

    /// <summary>The sides that have a QEMU, dead or alive.</summary>
    public IEnumerable<MigrationSide> QemuSides => Sides.Where(side => !side.Process.HasExecutedAnother);

    /// <summary>Starts a migration: the destination listens, the source connects. With cpr-transfer this also starts the destination.</summary>
    /// <exception cref="Qmp.QmpCommandException">A side refused it.</exception>
    public async Task<MigrationRun> MigrateAsync(MigrationChannel channel, CancellationToken ct)
    {
        var run = new MigrationRun(this, channel, _runs.Count + 1, await Source.QueryStatusAsync(ct));
        if (!Options.Mode.DestinationJoinsLater)
        {
            _runs.Add(run);
            await run.StartAsync(ct);
            return run;
        }

        try
        {
            await run.StartAsync(ct);
            _runs.Add(run);
            return run;
        }
        catch
        {
            // Without a destination there is nothing that the oracles could look at.
            channel.Dispose();
            throw;
        }
    }

    /// <summary>Stops the guest in the source: what follows is a migration without a running guest.</summary>
    public async Task StopSourceAsync(CancellationToken ct)
    {
        await Source.StopAsync(ct);
        SourceStopped = true;
    }

    /// <summary>Lets a guest that was stopped in the source run there again.</summary>
    public async Task ContinueSourceAsync(CancellationToken ct)
    {
        await Source.ContinueAsync(ct);
        SourceStopped = false;
    }

    /// <summary>Has QEMU stop the guest in the source for what one of its devices does: an alarm of a watchdog, a disk's error. What follows is a migration without a running guest.</summary>
    /// <param name="act">What a guest would do, by qtest.</param>
    /// <param name="cause">The event that says why QEMU stopped it, such as <c>WATCHDOG</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="WaitTimeoutException">It was not stopped, or not for that.</exception>
    public async Task StopSourceByDeviceAsync(Action<QTestClient> act, string cause, CancellationToken ct)
    {
        await Source.StopByDeviceAsync(act, cause, ct);
        SourceStopped = true;
    }

    /// <summary>Resets the machine that has the guest (system_reset): its program starts anew at <see cref="GoOnAsync"/>. To be called while the guest is stopped.</summary>
    /// <exception cref="InvalidOperationException">The state guest is there, of which nobody knows what it does then.</exception>
    public async Task ResetAsync(CancellationToken ct)
    {
        if (StateProgram is not null)
        {
            throw new InvalidOperationException("The state guest cannot be reset.");
        }

        await Holder.CauseAsync("system_reset", "RESET", ct);
        GuestRestarted = _restarts = true;
    }

    /// <summary>Lets the guest go on that is stopped (cont), on the side that has it. Where cont is refused before a reset, the machine is reset; a guest that was reset starts anew,
    /// and its memory is what the guest makes of it.</summary>
    public async Task GoOnAsync(CancellationToken ct)
    {
        if ((await Holder.QueryStatusAsync(ct)).NeedsReset)
        {
            await ResetAsync(ct);
        }

        var (serial, events) = (Holder.Serial.Position, Holder.EventPosition);
        if (_restarts)
        {
            // The guest fills its memory anew, but not all of it, nor does the BIOS.
            foreach (var (address, length) in MemoryModel.Written)
            {
                Holder.Process.QTest!.Write(address, new byte[length]);
            }
        }

        await Holder.ContinueAsync(ct);
        if (_restarts)
        {
            await Holder.Serial.WaitForAsync('A', serial, ct);
            _restarts = false;
            MemoryModel = new GuestMemoryModel(Program);
            // The BIOS resets the machine once more, when it finds that it has run in this memory.
            Holder.Process.Note("system_reset", events);
        }
    }

    /// <summary>Starts another destination in place of one that is of no use any more.</summary>
    public async Task<MigrationSide> StartAnotherDestinationAsync(CancellationToken ct)
    {
        var another = await StartDestinationSideAsync(ct);
        _retired.Add(Destination);
        Destination = another;
        return another;
    }

    /// <summary>Kills a side's QEMU (SIGKILL), as its host's failure would, and waits for its end.</summary>
    public async Task LoseAsync(MigrationSide side, CancellationToken ct)
    {
        _lost.Add(side);
        side.Process.Child.Kill();
        var limit = Environment.Limits.Kill;
        await Deadline.WithinAsync(limit, token => side.Process.Exited.WaitAsync(token),
            () => new WaitTimeoutException(side.Name, "its end after SIGKILL", limit, side.Process.LastSeen()), ct);
    }

    /// <summary>Wakes the guest up from S3 (system_wakeup): the BIOS starts the guest program anew.</summary>
    public async Task WakeUpAsync(CancellationToken ct)
    {
        var serial = Holder.Serial.Position;
        await Holder.CauseAsync("system_wakeup", "WAKEUP", ct);
        GuestSuspended = false;
        GuestRestarted = true;
        serial = await Holder.Serial.WaitForAsync('A', serial, ct);
        await Holder.Serial.WaitForAsync('B', serial, ct);
    }

    /// <summary>Notes that a page outside the guest's region has another content: a device has written there. The oracle of memory expects it from now on.</summary>
    /// <param name="page">A guest-physical address, a multiple of 4096, of a page that nobody else uses: 0x50000 to 0x8f000, or from the fourth behind the region's end to 0x7fff000.</param>
    /// <param name="content">All of the page, 4096 bytes.</param>
    /// <param name="by">By whom, and when, for the report of damage: <c>by a device, in pass 2</c>.</param>
    /// <exception cref="ArgumentException">It is no page, or the guest writes there.</exception>
    public void Expect(uint page, ReadOnlyMemory<byte> content, string by) => Remember(MemoryModel.WithWrittenOutside(page, content, by));

    /// <summary>Lets a migration complete, or holds it.</summary>
    public Task SetConvergenceAsync(Convergence convergence, CancellationToken ct) => Source.SetParametersAsync(ConvergenceParameters.Of(convergence), ct);

    /// <summary>Kills what still runs. Call <see cref="Oracles.PairVerifier"/> before.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs)
        {
            run.Channel.Dispose();
        }

        if (_successor is not null)
        {
            await _successor.DisposeAsync();
        }

        await EndNextAsync();
        // Each of them, also when one cannot be ended.
        await Task.WhenAll(Sides.Select(side => side.DisposeAsync().AsTask()));
        _ram?.Dispose();
    }

    /// <summary>Whether the guest was stopped in the source by the test.</summary>
    internal bool SourceStopped { get; private set; }

    internal ProcessSpawner Spawner { get; }

    /// <summary>Whether the devices are QEMU's own, and nobody in the guest uses them: then both sides' can be compared.</summary>
    internal bool HasComparableMachine => StateProgram is null && Environment.Accelerator.Name == "tcg";

    /// <summary>The smallest block of the guest's RAM, bytes.</summary>
    internal long SmallestRamBlock => Options.RamNodesKiB.Count > 0 ? Options.RamNodesKiB.Min() * 1024L : GuestMemoryBytes;

    internal void HandOver() => Holder = Destination;

    internal void Remember(GuestMemoryModel model) => MemoryModel = model;
}
