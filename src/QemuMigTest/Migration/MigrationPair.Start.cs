using System.Text.Json.Nodes;
using QemuMigTest.Binaries;
using QemuMigTest.Guests.State;
using QemuMigTest.Processes;
using QemuMigTest.Tls;

namespace QemuMigTest.Migration;

// How its QEMUs are started.
public sealed partial class MigrationPair
{
    /// <summary>Starts both QEMUs at the same time, sets capabilities and parameters, and waits until the guest in the source has come round once.</summary>
    /// <param name="options">What is special.</param>
    /// <param name="environment">The builds and the machine type.</param>
    /// <param name="spawner">Starts the processes.</param>
    /// <param name="scratch">The pair's own folder; the caller deletes it.</param>
    /// <param name="ct">Ends the start; nothing is left.</param>
    /// <exception cref="ArgumentException">The options do not go together.</exception>
    /// <exception cref="QemuStartException">A QEMU did not start.</exception>
    /// <exception cref="WaitTimeoutException">A QEMU or the guest did not come up in time.</exception>
    public static async Task<MigrationPair> StartAsync(
        PairOptions options, MigrationEnvironment environment, ProcessSpawner spawner, ScratchDirectory scratch, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.RamNodesKiB.Count > 0 && options.Ram != GuestRam.Anonymous)
        {
            throw new ArgumentException($"RAM is in NUMA nodes where it is {GuestRam.Anonymous}, not where it is {options.Ram}.", nameof(options));
        }

        var pair = new MigrationPair(options, environment, spawner, scratch);
        try
        {
            var tls = pair.PrepareTls(options.Tls?.Source, TlsEndpoint.Client, "source");
            await pair.StartSidesAsync(options.SourceArguments.With(tls.CommandLine.Arguments), ct);
            await pair.Source.TraceDirtyTrackingAsync(ct);
            await pair.Source.EnableAsync([MigrationCapability.Events, .. options.Capabilities, .. options.SourceCapabilities], ct);
            await SetParametersAsync(pair.Source, ct, Of(options.Mode), options.Parameters, tls.Parameters, options.SourceParameters);
            await pair.SetConvergenceAsync(options.Convergence, ct);
            await PairWatch.WhileAliveAsync("the guest's boot", pair.WaitForGuestAsync, ct, [.. pair.Sides]);
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

    /// <summary>The log of a side's QEMU (-D), in which its traces are.</summary>
    internal string TraceOf(string side) => Scratch.File($"{side}.trace");

    private async Task WaitForGuestAsync(CancellationToken ct)
    {
        var started = await WaitForBootBlockAsync(ct);
        await Source.Serial.WaitForAsync('B', started, ct);
        if (Options.GuestSuspends)
        {
            await Source.WaitForEventAsync("SUSPEND", 0, ct);
            GuestSuspended = true;
        }
    }

    private async Task<int> WaitForBootBlockAsync(CancellationToken ct)
    {
        try
        {
            return await Source.Serial.WaitForAsync('A', 0, ct);
        }
        catch (WaitTimeoutException late)
        {
            throw new WaitTimeoutException(late.Side, late.What, late.Limit,
                $"{late.LastSeen}. The BIOS has not started the guest's boot block. If no guest starts: SeaBIOS before 1.16.3 hangs in a newer QEMU when it finds a disk, and a QEMU that has no BIOS of its own takes one that is installed (its option -L says where it looks)");
        }
    }

    private async Task StartSidesAsync(QemuCommandLine sourceArguments, CancellationToken ct)
    {
        _ram = Options.Ram == GuestRam.SharedFile ? SharedRamFile.Create(GuestMemoryBytes) : null;
        try
        {
            var source = StartSideAsync("source", Environment.Source, sourceArguments, ct);
            if (Options.Mode.DestinationJoinsLater)
            {
                Source = Holder = await source;
                return;
            }

            await WhenBoth(source, StartDestinationSideAsync(ct), started => Source = Holder = started, started => Destination = started);
        }
        finally
        {
            _ram?.RemoveName();
        }
    }

    private Task<MigrationSide> StartDestinationSideAsync(CancellationToken ct) => StartDestinationSideAsync(["-incoming", "defer"], ct);

    private async Task<MigrationSide> ConfigureDestinationAsync(MigrationSide side, JsonObject tls, CancellationToken ct)
    {
        try
        {
            await side.TraceDirtyTrackingAsync(ct);
            await side.EnableAsync([MigrationCapability.Events, .. Options.Capabilities], ct);
            // Where RAM comes by its descriptors it is the source that says so; for the destination it is in what it gets.
            var mode = Options.Mode.DestinationJoinsLater ? [] : Of(Options.Mode);
            await SetParametersAsync(side, ct, mode, Options.Parameters, tls, Options.DestinationParameters);
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
        credentials?.Prepare(endpoint, Environment.Tls, Scratch.CreateChild($"{name}-tls"), withGroup: !Environment.Destination.Version.IsAtLeast(10, 2)) ?? TlsArguments.None;

    private static JsonObject Of(MigrationMode mode) => mode == MigrationMode.Normal ? [] : new() { ["mode"] = mode.Name };

    private static async Task SetParametersAsync(MigrationSide side, CancellationToken ct, params JsonObject[] inOrder)
    {
        foreach (var parameters in inOrder.Where(parameters => parameters.Count > 0))
        {
            await side.SetParametersAsync(parameters, ct);
        }
    }

    private async Task<MigrationSide> StartSideAsync(string name, QemuBinary binary, QemuCommandLine more, CancellationToken ct) =>
        new(await QemuProcess.StartAsync(await DescribeSideAsync(name, binary, more, ct), Spawner, ct), binary, Program) { UsesHumanMonitor = Options.HumanMonitor };

    private async Task<QemuProcessOptions> DescribeSideAsync(string name, QemuBinary binary, QemuCommandLine more, CancellationToken ct)
    {
        var disk = await CreateDiskAsync(name, ct);
        return new QemuProcessOptions
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
                .With("-machine", Environment.MachineType + MachineProperties)
                .With(RamArguments)
                .With("-accel", Options.DirtyRingSize == 0 ? Environment.Accelerator.Name : $"{Environment.Accelerator.Name},dirty-ring-size={Options.DirtyRingSize}")
                .With("-m", $"{GuestMemoryMiB}M")
                .With("-drive", $"if=none,id=d0,format=raw,file={QemuCommandLine.InList(disk)}")
                .With("-device", $"ide-hd,drive=d0,secs={StateProgram?.Sectors ?? 1},cyls=1,heads=1")
                .With(StateArguments)
                // What a process executes inherits an open log (cpr-exec, seen on 11.1.3).
                .With(Options.Mode == MigrationMode.CprExec ? [] : ["-D", TraceOf(name)])
                .With(more.Arguments),
        };
    }

    // The RAM that is nobody's object, such as the BIOS, must be in descriptors too where CPR hands them on (since 10.0).
    private string MachineProperties => (Options.Ram == GuestRam.Anonymous ? "" : $",memory-backend={RamObject}") + (Options.Mode.DestinationJoinsLater ? ",aux-ram-share=on" : "");

    private IEnumerable<string> StateArguments => StateProgram is null
        ? []
        : ["-smp", $"{StateProgram.Settings.Vcpus}", "-cpu", Environment.Accelerator.Name == "tcg" ? StateProgram.TcgCpu : "host"];

    private IEnumerable<string> RamArguments => Options.Ram switch
    {
        GuestRam.SharedFile => ["-object", $"memory-backend-file,id={RamObject},size={GuestMemoryMiB}M,share=on,mem-path={_ram!.Path}"],
        GuestRam.Memfd => ["-object", $"memory-backend-memfd,id={RamObject},size={GuestMemoryMiB}M,share=on"],
        GuestRam.SharedAnonymous => ["-object", $"memory-backend-ram,id={RamObject},size={GuestMemoryMiB}M,share=on"],
        // A folder: QEMU makes the file in it, and takes its name away.
        GuestRam.PrivateFile => ["-object", $"memory-backend-file,id={RamObject},size={GuestMemoryMiB}M,share=off,mem-path={QemuCommandLine.InList(Scratch.Path)}"],
        GuestRam.HugePages => ["-object", $"memory-backend-memfd,id={RamObject},size={GuestMemoryMiB}M,share=on,hugetlb=on,hugetlbsize=2M"],
        _ => Options.RamNodesKiB.SelectMany((size, node) => (string[])["-object", $"memory-backend-ram,id=ram{node},size={size}K", "-numa", $"node,nodeid={node},memdev=ram{node}"]),
    };

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
