using System.Reflection;
using QemuMigTest.Cli;
using QemuMigTest.Cli.Output;
using QemuMigTest.Cli.Run;
using QemuMigTest.Results;

namespace QemuMigTest.Tests.Cli;

/// <summary>The command, run in this process with memory for its standard streams and a results folder of its own.</summary>
internal sealed class CommandRun : ISuiteHost, ISuiteCleanup, IDisposable
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    /// <summary>The suite; the samples, if not set.</summary>
    public Assembly Suite { get; init; } = SampleSuite.Of(typeof(SampleTests));

    /// <summary>What preparation throws, if anything.</summary>
    public Exception? PreparationFailure { get; init; }

    /// <summary>What ending everything throws, if anything.</summary>
    public Exception? CleanupFailure { get; init; }

    /// <summary>What ending everything does first.</summary>
    public Action? WhenCleaningUp { get; init; }

    public string Results { get; } = Directory.CreateTempSubdirectory("qmt-cli-").FullName;

    public Interruption Interruption { get; } = new();

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public int Cleanups { get; private set; }

    public RunSettings? Prepared { get; private set; }

    public RunRecord Record => RunRecord.Load(Path.Combine(Results, RunRecord.FileName));

    /// <summary>Runs the command; <c>run</c> gets the results folder, unless it is given one.</summary>
    public Task<int> ExecuteAsync(params string[] args)
    {
        if (args is ["run", ..] && !args.Contains("--results"))
            args = [.. args, "--results", Results];
        return CommandLine.RunAsync(
            args,
            new CommandContext
            {
                Out = new OutputTarget(_out, IsTerminal: false, Utf8: true),
                Error = new OutputTarget(_error, IsTerminal: false, Utf8: true),
                Suite = Suite,
                Host = this,
                Cleanup = this,
            },
            Interruption);
    }

    public Task<SuiteEnvironment> PrepareAsync(RunSettings settings, Action<string> note, CancellationToken cancellation)
    {
        Prepared = settings;
        if (PreparationFailure is not null)
            throw PreparationFailure;
        var qemu = new QemuRecord { Name = "trixie", Version = "10.0.13", Package = "1:10.0.13+ds-0+deb13u1", Path = "/usr/bin/qemu-system-x86_64" };
        return Task.FromResult(new SuiteEnvironment
        {
            Source = qemu,
            Destination = qemu,
            MachineType = "pc-q35-10.0",
            Accelerator = "tcg",
            AcceleratorReason = "/dev/kvm is not there",
            Host = HostRecord.OfThisMachine(),
        });
    }

    public void KillEverything()
    {
        Cleanups++;
        WhenCleaningUp?.Invoke();
        if (CleanupFailure is not null)
            throw CleanupFailure;
    }

    public void Dispose()
    {
        Interruption.Dispose();
        _out.Dispose();
        _error.Dispose();
        Directory.Delete(Results, recursive: true);
    }
}
