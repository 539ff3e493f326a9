using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class KilledQemuDrills : DrillFixture
{
    private const int SlowestPostcopy = 4096;

    [Test, DrillLimit]
    public async Task A_destination_killed_during_precopy_is_named_and_not_the_source_that_lost_it(CancellationToken ct)
    {
        var migration = await StartHeldAsync(ct);
        await DiesAsync(migration.Destination, () => migration.CompleteAsync(ct));
    }

    [Test, DrillLimit]
    public async Task A_source_killed_during_precopy_is_named_and_not_the_destination_that_lost_it(CancellationToken ct)
    {
        var migration = await StartHeldAsync(ct);
        await DiesAsync(migration.Source, () => migration.CompleteAsync(ct));
    }

    [Test, DrillLimit]
    public async Task A_destination_killed_while_its_memory_is_polled_is_named(CancellationToken ct)
    {
        var migration = await StartHeldAsync(ct);
        migration.Destination.Process.Child.Kill();
        await DiesAsync(migration.Destination, () => migration.WaitForPageSentAsync(ct));
    }

    [Test, DrillLimit, RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_source_killed_during_postcopy_is_named_at_once(CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(ct);
        await DiesAsync(migration.Source, () => migration.CompleteAsync(ct));
    }

    [Test, DrillLimit, RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_destination_killed_during_postcopy_is_named_at_once(CancellationToken ct)
    {
        var migration = await StartPostcopyAsync(ct);
        await DiesAsync(migration.Destination, () => migration.CompleteAsync(ct));
    }

    [Test, DrillLimit]
    public async Task A_source_killed_while_it_boots_is_named_and_nothing_of_the_pair_is_left(CancellationToken ct)
    {
        using var scratch = Session.Scratch.CreateChild("drill");
        // With its vCPUs stopped it does not come to the end of its boot before it is killed.
        var starting = MigrationPair.StartAsync(new() { SourceArguments = new QemuCommandLine().With("-S") }, Environment, Session.Spawner, scratch, ct);
        var source = await ChildAsync(scratch, "source", ct);
        var destination = await ChildAsync(scratch, "destination", ct);
        await Poll.UntilAsync("drill", "the source to be set up", _ => Task.FromResult(IsSetUp(scratch) ? this : null), () => "it is not", Environment.Limits.Start, ct);
        source.Kill();
        var died = await Should.ThrowAsync<QemuExitedException>(() => starting);
        (died.Name, died.Status.Signal).ShouldBe(("source", (int)Signum.SIGKILL));
        destination.Exited.IsCompleted.ShouldBeTrue("a start that failed must end both QEMUs");
        File.Exists(scratch.File("rerun.sh")).ShouldBeTrue("a start that failed must leave what explains it");
    }

    [Test, DrillLimit]
    public async Task A_source_that_dies_while_the_oracles_look_at_the_pair_is_named(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var position = pair.Destination.EventPosition;
        var findings = FindingsAsync(pair, ct);
        // The guest is stopped by one of them.
        await pair.Destination.WaitForEventAsync("STOP", position, ct);
        pair.Source.Process.Child.Kill();
        (await findings).ShouldStartWith($"[processes] source: QEMU ended with signal {(int)Signum.SIGKILL}");
    }

    private async Task<MigrationRun> StartHeldAsync(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        return migration;
    }

    private async Task<MigrationRun> StartPostcopyAsync(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { Capabilities = [MigrationCapability.PostcopyRam] }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await pair.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        return migration;
    }

    private static async Task DiesAsync(MigrationSide side, Func<Task> step)
    {
        var stepping = step();
        side.Process.Child.Kill();
        var died = await Should.ThrowAsync<QemuExitedException>(() => stepping);
        (died.Name, died.Status.Signal).ShouldBe((side.Name, (int)Signum.SIGKILL), died.Message);
        died.Message.ShouldStartWith($"{side.Name}: QEMU ended with signal 9 (SIGKILL) during migration 1");
    }

    private Task<ChildProcess> ChildAsync(ScratchDirectory scratch, string name, CancellationToken ct) => Poll.UntilAsync("drill", $"the process of the {name}",
        _ => Task.FromResult(Session.Spawner.Alive.FirstOrDefault(child => child.Command.OutputFile == scratch.File($"{name}.stderr"))),
        () => "none", Environment.Limits.Start, ct);

    // The last that is set before the guest's boot is waited for.
    private static bool IsSetUp(ScratchDirectory scratch)
    {
        var log = scratch.File("source.qmp.log");
        return File.Exists(log) && File.ReadAllText(log).Contains("downtime-limit", StringComparison.Ordinal);
    }
}
