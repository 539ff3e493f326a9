using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class CommandDrills : DrillFixture
{
    private const string ValidatedUuid = "11111111-1111-1111-1111-111111111111";

    [Test, DrillLimit]
    public async Task No_QEMU_outlives_a_run_that_is_killed_and_the_next_run_sweeps_its_folder(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        var (run, qemus) = await StartRunAsync(scratch, ct);
        run.Signal(Signum.SIGKILL).ShouldBeTrue();
        await Poll.UntilAsync("drill", "the end of all QEMUs of a run that was killed",
            _ => Task.FromResult(qemus.Exists(BuiltCommand.IsAlive) ? null : this),
            () => $"alive: {string.Join(' ', qemus.Where(BuiltCommand.IsAlive))}", Environment.Limits.Kill, ct);

        BuiltCommand.ScratchFoldersOf(run.Id, Session.Scratch).ShouldNotBeEmpty();
        await (await StartAsync(scratch, "next", "--qemu", "/bin/true")).Exited.WaitAsync(ct);
        BuiltCommand.ScratchFoldersOf(run.Id, Session.Scratch).ShouldBeEmpty();
    }

    [Test, DrillLimit]
    public async Task A_run_that_is_interrupted_ends_by_its_signal_and_leaves_nothing(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        var (run, qemus) = await StartRunAsync(scratch, ct);
        run.Signal(Signum.SIGINT).ShouldBeTrue();
        (await run.Exited.WaitAsync(ct)).Code.ShouldBe(128 + (int)Signum.SIGINT, await File.ReadAllTextAsync(run.Command.OutputFile, ct));
        qemus.Where(BuiltCommand.IsAlive).ShouldBeEmpty();
        BuiltCommand.ScratchFoldersOf(run.Id, Session.Scratch).ShouldBeEmpty();
    }

    [Test, DrillLimit]
    public async Task A_program_that_is_no_QEMU_is_named_and_nothing_is_run(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        var run = await StartAsync(scratch, "run", "--qemu", "/bin/true");
        (await run.Exited.WaitAsync(ct)).Code.ShouldBe(3);
        var output = await File.ReadAllTextAsync(run.Command.OutputFile, ct);
        output.ShouldContain("/bin/true does not answer as a QEMU does");
        output.ShouldContain("ended with exit code 0 before its QMP connection was there; it wrote nothing");
        BuiltCommand.ScratchFoldersOf(run.Id, Session.Scratch).ShouldBeEmpty();
    }

    [Test, DrillLimit]
    public async Task A_QEMU_that_does_not_find_its_firmware_is_named_and_nothing_is_run(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        var qemu = await WriteScriptAsync(scratch, "case \"$*\" in *q35*) set -- \"$@\" -bios nowhere;; esac", ct);
        var run = await StartAsync(scratch, "run", "--qemu", qemu);
        (await run.Exited.WaitAsync(ct)).Code.ShouldBe(3);
        var output = await File.ReadAllTextAsync(run.Command.OutputFile, ct);
        output.ShouldContain($"{qemu} starts no q35 machine. A build that is not installed may need to be told where its firmware is");
        output.ShouldContain("could not load PC BIOS 'nowhere'");
        BuiltCommand.ScratchFoldersOf(run.Id, Session.Scratch).ShouldBeEmpty();
    }

    [Test, DrillLimit]
    public async Task A_QEMU_that_aborts_in_one_path_costs_that_path_alone(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        // Only the paths that compare UUIDs start a QEMU with one.
        var qemu = await WriteScriptAsync(scratch, $"case \"$*\" in *'-uuid {ValidatedUuid}'*) kill -ABRT $$;; esac", ct);
        var run = await StartAsync(scratch, "run", "--qemu", qemu, "-p", "/migration/validate_uuid", "-p", "/migration/bad_dest", "-p", "/migration/precopy/unix/plain");
        (await run.Exited.WaitAsync(ct)).Code.ShouldBe(1);
        var output = await File.ReadAllTextAsync(run.Command.OutputFile, ct);
        output.ShouldContain("FAIL /migration/validate_uuid");
        output.ShouldContain("signal 6 (SIGABRT)");
        output.ShouldContain("2 passed, 1 failed, 0 skipped");
    }

    // The source's build, after a line of the shell.
    private async Task<string> WriteScriptAsync(ScratchDirectory scratch, string first, CancellationToken ct)
    {
        var qemu = scratch.File("qemu-system-x86_64");
        var launch = Environment.Source.Launch;
        await File.WriteAllTextAsync(qemu, $"#!/bin/sh\n{first}\nexec {QemuCommandLine.Quote([launch.FileName, .. launch.PrefixArguments])} \"$@\"\n", ct);
        File.SetUnixFileMode(qemu, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return qemu;
    }

    private async Task<(ChildProcess Run, List<int> Qemus)> StartRunAsync(ScratchDirectory scratch, CancellationToken ct)
    {
        var run = await StartAsync(scratch, "run", "--src", Environment.Source.Launch.Name, "--dst", Environment.Destination.Launch.Name,
            "-p", "/migration/precopy/unix/plain", "--repeat", "1000");
        var qemus = await Poll.UntilAsync("drill", "two QEMUs of a run", _ =>
        {
            run.Exited.IsCompleted.ShouldBeFalse(File.ReadAllText(run.Command.OutputFile));
            return Task.FromResult(BuiltCommand.QemusOf(run.Id) is { Count: >= 2 } found ? found : null);
        }, () => $"{BuiltCommand.QemusOf(run.Id).Count} of them", Environment.Limits.Start, ct);
        return (run, qemus);
    }

    private Task<ChildProcess> StartAsync(ScratchDirectory scratch, string name, params string[] arguments) => Session.Spawner.StartAsync(new()
    {
        FileName = BuiltCommand.Path,
        Arguments = ["run", .. arguments, "--results", scratch.File($"{name}.results")],
        OutputFile = scratch.File($"{name}.output"),
    });
}
