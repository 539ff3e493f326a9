using QemuMigTest.Binaries;
using QemuMigTest.Binaries.Store;
using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.NUnit;

/// <summary>What all tests of one run share: settings, builds, the spawner and the scratch folder.</summary>
public sealed class MigrationSession : IDisposable
{
    private MigrationSession(SuiteSettings settings, MigrationEnvironment environment, QemuPair found, ProcessSpawner spawner, ScratchDirectory scratch)
    {
        Settings = settings;
        Environment = environment;
        Found = found;
        Spawner = spawner;
        Scratch = scratch;
    }

    /// <summary>What the run was told.</summary>
    public SuiteSettings Settings { get; }

    /// <summary>The builds, the machine type, the accelerator.</summary>
    public MigrationEnvironment Environment { get; }

    /// <summary>How the builds were found.</summary>
    public QemuPair Found { get; }

    /// <summary>Starts every process.</summary>
    public ProcessSpawner Spawner { get; }

    /// <summary>The root of all tests' folders.</summary>
    public ScratchDirectory Scratch { get; }

    /// <summary>Finds the builds and prepares the rest.</summary>
    /// <param name="settings">What the run was told.</param>
    /// <param name="note">Shows a line about what takes time, such as a download.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="QemuMigTestException">Nothing can be tested; the message says what to install or set.</exception>
    public static async Task<MigrationSession> OpenAsync(SuiteSettings settings, Action<string> note, CancellationToken ct)
    {
        var scratch = ScratchDirectory.CreateRoot();
        var spawner = new ProcessSpawner();
        try
        {
            var request = new QemuLocatorRequest { Qemu = settings.Qemu, Source = settings.Source, Destination = settings.Destination };
            var (environment, found) = await EnvironmentFinder.FindAsync(
                request, settings.Accelerator, settings.MachineType, settings.Limits, spawner, scratch, new StageNotes(note), ct);
            // Not Console.Error: NUnit keeps that with the test, and this is to be seen while a test hangs.
            var log = settings.Log ? TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true }) : null;
            return new MigrationSession(settings, environment with { Log = log }, found, spawner, scratch);
        }
        catch
        {
            spawner.Dispose();
            scratch.Dispose();
            throw;
        }
    }

    /// <summary>Kills what is left and deletes the scratch folder.</summary>
    public void Dispose()
    {
        Spawner.Dispose();
        Scratch.Dispose();
    }
}
