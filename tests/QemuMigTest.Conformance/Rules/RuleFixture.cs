using System.Text.Json.Nodes;
using NUnit.Framework.Interfaces;
using QemuMigTest.Binaries;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Rules;

/// <summary>The base of tests that ask a QEMU by itself, with a pair's machine and RAM but no guest that runs: hundreds of commands a second. It is quit after the test.</summary>
public abstract class RuleFixture : MigrationFixture
{
    private readonly List<(QemuProcess Qemu, ScratchDirectory Scratch)> _qemus = [];

    /// <summary>Ends the QEMUs; one that does not quit as it should is a failure.</summary>
    [TearDown]
    public async Task EndQemusAsync()
    {
        var passed = TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Passed;
        List<string> failures = [];
        foreach (var (qemu, scratch) in _qemus)
        {
            if (passed)
            {
                var (status, killed) = await qemu.QuitAsync(CancellationToken.None);
                if (killed || !status.IsSuccess)
                {
                    failures.Add($"{qemu.Name}: QEMU ended with {status} when it was asked to quit; its stderr: {qemu.Stderr}");
                }
            }

            await qemu.DisposeAsync();
            if (!passed || failures.Count > 0)
            {
                Keep(scratch);
            }

            scratch.Dispose();
        }

        if (failures.Count > 0)
        {
            throw new RuleException(string.Join("\n", failures));
        }
    }

    /// <summary>Lets go of a QEMU that has ended otherwise, as it should.</summary>
    protected async Task LetGoAsync(QemuProcess qemu)
    {
        var index = _qemus.FindIndex(one => one.Qemu == qemu);
        await qemu.DisposeAsync();
        _qemus[index].Scratch.Dispose();
        _qemus.RemoveAt(index);
    }

    /// <summary>Starts the source's build, stopped.</summary>
    protected Task<QemuProcess> StartSourceAsync(CancellationToken ct) => StartAsync("source", Environment.Source, Environment.Accelerator.Name, ["-S"], ct);

    /// <summary>Starts the destination's build; it waits for migrate-incoming.</summary>
    protected Task<QemuProcess> StartDestinationAsync(CancellationToken ct, params IReadOnlyList<string> more) =>
        StartAsync("destination", Environment.Destination, Environment.Accelerator.Name, ["-S", "-incoming", "defer", .. more], ct);

    /// <summary>Turns capabilities of one on or off.</summary>
    protected static Task SetCapabilitiesAsync(QemuProcess qemu, IEnumerable<string> names, bool on, CancellationToken ct) => qemu.ExecuteAsync("migrate-set-capabilities", new()
    {
        ["capabilities"] = new JsonArray([.. names.Select(name => new JsonObject { ["capability"] = name, ["state"] = on })]),
    }, ct);

    /// <summary>What rules speak of, for a QEMU of the source's build.</summary>
    private protected RuleContext SourceContext => Of(Environment.Source);

    /// <summary>The same for the destination.</summary>
    private protected RuleContext DestinationContext => Of(Environment.Destination) with { Destination = true };

    // QAPI has COLO's capability in any build, and its commands only where there is replication.
    private RuleContext Of(QemuBinary binary) => new(
        binary.Version,
        Userfaultfd: Environment.Host.UserfaultfdError is null,
        Replication: binary.Commands.ContainsKey("x-colo-lost-heartbeat"));

    /// <summary>Starts a QEMU with a pair's machine and RAM.</summary>
    protected async Task<QemuProcess> StartAsync(string name, QemuBinary binary, string accelerator, IEnumerable<string> more, CancellationToken ct, bool qtest = false)
    {
        var scratch = Session.Scratch.CreateChild("");
        try
        {
            var qemu = await QemuProcess.StartAsync(new()
            {
                Name = name,
                Launch = binary.Launch,
                Scratch = scratch,
                Limits = Environment.Limits,
                Log = Environment.Log,
                MonitorObject = binary.HasMonitorObject,
                QTest = qtest,
                Serial = false,
                CommandLine = new QemuCommandLine().With("-no-user-config").With("-nodefaults").With("-display", "none")
                    .With("-machine", Environment.MachineType).With("-accel", accelerator).With("-m", $"{MigrationPair.GuestMemoryMiB}M").With(more),
            }, Session.Spawner, ct);
            _qemus.Add((qemu, scratch));
            return qemu;
        }
        catch
        {
            Keep(scratch);
            scratch.Dispose();
            throw;
        }
    }
}
