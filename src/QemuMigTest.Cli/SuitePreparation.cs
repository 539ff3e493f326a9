using QemuMigTest.Binaries;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Cli.Run;
using QemuMigTest.Hosts;
using QemuMigTest.Migration;
using QemuMigTest.Processes;
using QemuMigTest.Results;

namespace QemuMigTest.Cli;

/// <summary>Prepares and ends runs of the conformance suite.</summary>
internal sealed class SuitePreparation : ISuiteHost, ISuiteCleanup
{
    /// <inheritdoc/>
    public async Task<SuiteEnvironment> PrepareAsync(RunSettings settings, Action<string> note, CancellationToken cancellation)
    {
        using var scratch = ScratchDirectory.CreateRoot();
        using var spawner = new ProcessSpawner();
        var request = new QemuLocatorRequest { Qemu = settings.Qemu, Source = settings.Source, Destination = settings.Destination };
        var machineType = settings.MachineType ?? Environment.GetEnvironmentVariable(CommonMachine.Variable) switch
        {
            { Length: > 0 } value => value,
            _ => null,
        };
        var (environment, found) = await EnvironmentFinder.FindAsync(
            request, settings.Accelerator, machineType, new TimeLimits(settings.TimeoutScale), spawner, scratch, new StageNotes(note), cancellation);
        var source = QemuRecord.Of(environment.Source, found.SourceFrom);
        return new SuiteEnvironment
        {
            Source = source,
            Destination = environment.Destination == environment.Source ? source : QemuRecord.Of(environment.Destination, found.DestinationFrom),
            MachineType = environment.MachineType,
            Accelerator = environment.Accelerator.Name,
            AcceleratorReason = environment.Accelerator.Reason,
            Host = HostRecord.OfThisMachine(),
        };
    }

    /// <inheritdoc/>
    public void KillEverything()
    {
        ProcessSpawner.KillChildrenOfThisProcess();
        ScratchDirectory.DeleteAllOfThisProcess();
    }
}
