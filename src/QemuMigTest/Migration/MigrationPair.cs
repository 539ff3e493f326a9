using System.Text.Json.Nodes;
using QemuMigTest.Binaries;
using QemuMigTest.Guests;
using QemuMigTest.Migration.Channels;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

/// <summary>A source and a destination QEMU, a guest in the source, and the migrations between them.</summary>
public sealed class MigrationPair : IAsyncDisposable
{
    private const int GuestMemoryMiB = 150;
    private const uint SparseStamps = 256;
    private readonly List<MigrationRun> _runs = [];
    private readonly List<MigrationSide> _retired = [];
    private int _destinations;

    private MigrationPair(PairOptions options, MigrationEnvironment environment, ProcessSpawner spawner, ScratchDirectory scratch)
    {
        Options = options;
        Environment = environment;
        Scratch = scratch;
        // A KVM that emulates real and unpaged mode needs a minute for a stamp in every dword.
        var emulated = environment.Accelerator.Name == "kvm" && !environment.Host.HardwareVirtualization;
        var settings = new GuestProgramSettings { Suspend = options.GuestSuspends };
        Program = GuestProgram.AB(emulated ? settings with { StampSpacing = SparseStamps } : settings);
        MemoryModel = new GuestMemoryModel(Program);
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

    /// <summary>The side that the guest starts on.</summary>
    public MigrationSide Source { get; private set; } = null!;

    /// <summary>The side that it goes to; the newest one, where there were several.</summary>
    public MigrationSide Destination { get; private set; } = null!;

    /// <summary>The side whose guest counts now: the source until the switchover, then the destination.</summary>
    public MigrationSide Holder { get; private set; } = null!;

    /// <summary>What the guest's memory must be, with what the framework wrote into it.</summary>
    public GuestMemoryModel MemoryModel { get; private set; }

    /// <summary>The guest sleeps in ACPI S3: it does not move until it is woken up.</summary>
    public bool GuestSuspended { get; private set; }

    /// <summary>The guest was woken up: its program has started anew.</summary>
    public bool GuestRestarted { get; private set; }

    /// <summary>The migrations so far, in order.</summary>
    public IReadOnlyList<MigrationRun> Runs => _runs;

    /// <summary>Destinations that were replaced by another.</summary>
    public IReadOnlyList<MigrationSide> Retired => _retired;

    /// <summary>All QEMUs of the pair.</summary>
    public IEnumerable<MigrationSide> Sides => new[] { Source, Destination }.Concat(_retired).Where(side => side is not null);

    /// <summary>Starts both QEMUs at the same time, sets capabilities and parameters, and waits until the guest in the source has come round once.</summary>
    /// <param name="options">What is special.</param>
    /// <param name="environment">The builds and the machine type.</param>
    /// <param name="spawner">Starts the processes.</param>
    /// <param name="scratch">The pair's own folder; the caller deletes it.</param>
    /// <param name="ct">Ends the start; nothing is left.</param>
    /// <exception cref="QemuStartException">A QEMU did not start.</exception>
    /// <exception cref="WaitTimeoutException">A QEMU or the guest did not come up in time.</exception>
    public static async Task<MigrationPair> StartAsync(
        PairOptions options, MigrationEnvironment environment, ProcessSpawner spawner, ScratchDirectory scratch, CancellationToken ct)
    {
        var pair = new MigrationPair(options, environment, spawner, scratch);
        try
        {
            var tls = pair.PrepareTls(options.Tls?.Source, TlsEndpoint.Client, "source");
            var source = pair.StartSideAsync("source", environment.Source, options.SourceArguments.With(tls.CommandLine.Arguments), ct);
            var destination = pair.StartDestinationSideAsync(ct);
            await WhenBoth(source, destination, started => pair.Source = pair.Holder = started, started => pair.Destination = started);
            await pair.Source.EnableAsync([MigrationCapability.Events, .. options.Capabilities, .. options.SourceCapabilities], ct);
            await SetParametersAsync(pair.Source, ct, options.Parameters, tls.Parameters, options.SourceParameters);
            await pair.SetConvergenceAsync(options.Convergence, ct);
            await PairWatch.WhileAliveAsync("the guest's boot", pair.WaitForGuestAsync, ct, pair.Source, pair.Destination);
            return pair;
        }
        catch (Exception e)
        {
            try
            {
                await PairDiagnostics.WriteAsync(pair, environment.Limits.Command);
            }
            catch (IOException unwritten)
            {
                throw new AggregateException(e, unwritten);
            }
            finally
            {
                await pair.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>Starts a migration: the destination listens, the source connects.</summary>
    /// <exception cref="Qmp.QmpCommandException">A side refused it.</exception>
    public async Task<MigrationRun> MigrateAsync(MigrationChannel channel, CancellationToken ct)
    {
        var run = new MigrationRun(this, channel, _runs.Count + 1, (await Source.QueryStatusAsync(ct)).Running || GuestSuspended && !SourceStopped);
        _runs.Add(run);
        await run.StartAsync(ct);
        return run;
    }

    /// <summary>Stops the guest in the source: what follows is a migration without a running guest.</summary>
    public async Task StopSourceAsync(CancellationToken ct)
    {
        await Source.StopAsync(ct);
        SourceStopped = true;
    }

    /// <summary>Starts another destination in place of one that is of no use any more.</summary>
    public async Task<MigrationSide> StartAnotherDestinationAsync(CancellationToken ct)
    {
        var another = await StartDestinationSideAsync(ct);
        _retired.Add(Destination);
        Destination = another;
        return another;
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

    /// <summary>Lets a migration complete, or holds it.</summary>
    public Task SetConvergenceAsync(Convergence convergence, CancellationToken ct) => Source.SetParametersAsync(ConvergenceParameters.Of(convergence), ct);

    /// <summary>Kills what still runs. Call <see cref="Oracles.PairVerifier"/> before.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var run in _runs)
        {
            run.Channel.Dispose();
        }

        // Each of them, also when one cannot be ended.
        await Task.WhenAll(Sides.Select(side => side.DisposeAsync().AsTask()));
    }

    /// <summary>Whether the guest was stopped by <see cref="StopSourceAsync"/>.</summary>
    internal bool SourceStopped { get; private set; }

    internal ProcessSpawner Spawner { get; }

    internal void HandOver() => Holder = Destination;

    internal void Remember(GuestMemoryModel model) => MemoryModel = model;

    private async Task WaitForGuestAsync(CancellationToken ct)
    {
        await Source.Serial.WaitForAsync('B', 0, ct);
        if (Options.GuestSuspends)
        {
            await Source.WaitForEventAsync("SUSPEND", 0, ct);
            GuestSuspended = true;
        }
    }

    private async Task<MigrationSide> StartDestinationSideAsync(CancellationToken ct)
    {
        var number = Interlocked.Increment(ref _destinations);
        var name = number == 1 ? "destination" : $"destination-{number}";
        var tls = PrepareTls(Options.Tls?.Destination, TlsEndpoint.Server, name);
        var side = await StartSideAsync(name, Environment.Destination,
            Options.DestinationArguments.With(tls.CommandLine.Arguments).With("-incoming", "defer"), ct);
        try
        {
            await side.EnableAsync([MigrationCapability.Events, .. Options.Capabilities], ct);
            await SetParametersAsync(side, ct, Options.Parameters, tls.Parameters, Options.DestinationParameters);
            return side;
        }
        catch
        {
            await side.DisposeAsync();
            throw;
        }
    }

    // Below the pair's folder: the script that starts its QEMUs by hand finds the files there.
    private TlsArguments PrepareTls(TlsCredentials? credentials, TlsEndpoint endpoint, string name) =>
        credentials?.Prepare(endpoint, Environment.Tls, Scratch.CreateChild($"{name}-tls")) ?? TlsArguments.None;

    private static async Task SetParametersAsync(MigrationSide side, CancellationToken ct, params JsonObject[] inOrder)
    {
        foreach (var parameters in inOrder.Where(parameters => parameters.Count > 0))
        {
            await side.SetParametersAsync(parameters, ct);
        }
    }

    private async Task<MigrationSide> StartSideAsync(string name, QemuBinary binary, QemuCommandLine more, CancellationToken ct)
    {
        // A disk each: the guest program is on it, and QEMU locks it.
        var disk = Scratch.File($"{name}.disk");
        await File.WriteAllBytesAsync(disk, Program.Image, ct);
        var process = await QemuProcess.StartAsync(new QemuProcessOptions
        {
            Name = name,
            Launch = binary.Launch,
            Scratch = Scratch,
            Limits = Environment.Limits,
            Log = Environment.Log,
            MonitorObject = binary.HasMonitorObject,
            CommandLine = new QemuCommandLine()
                .With("-no-user-config").With("-nodefaults").With("-display", "none")
                .With("-name", $"guest={name},process=qemu-{name},debug-threads=on")
                .With("-machine", Environment.MachineType)
                .With("-accel", Options.DirtyRingSize == 0 ? Environment.Accelerator.Name : $"{Environment.Accelerator.Name},dirty-ring-size={Options.DirtyRingSize}")
                .With("-m", $"{GuestMemoryMiB}M")
                .With("-drive", $"if=none,id=d0,format=raw,file={QemuCommandLine.InList(disk)}")
                .With("-device", "ide-hd,drive=d0,secs=1,cyls=1,heads=1")
                .With(more.Arguments),
        }, Spawner, ct);
        return new MigrationSide(process, binary, Program);
    }

    // Both are awaited, so that what did start is known, and ended, when the other did not.
    private static async Task WhenBoth(Task<MigrationSide> first, Task<MigrationSide> second, Action<MigrationSide> gotFirst, Action<MigrationSide> gotSecond)
    {
        try
        {
            await Task.WhenAll(first, second);
        }
        finally
        {
            if (first.IsCompletedSuccessfully)
            {
                gotFirst(first.Result);
            }

            if (second.IsCompletedSuccessfully)
            {
                gotSecond(second.Result);
            }
        }
    }
}
