using Mono.Unix.Native;
using QemuMigTest.Hosts;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

using File = System.IO.File;

public sealed class HungQemuDrills : DrillFixture
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(0.5);
    // All that a start asks is bounded by it as well, on a machine that may be busy.
    private static readonly TimeSpan ShortForCommands = TimeSpan.FromSeconds(3);

    [Test, DrillLimit]
    public async Task A_QEMU_that_hangs_is_named_with_its_state_and_its_stack_traces_are_kept(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct, Impatient());
        var source = pair.Source.Process.Child;
        source.Signal(Signum.SIGSTOP).ShouldBeTrue();
        var late = await Should.ThrowAsync<WaitTimeoutException>(() => pair.Source.QueryStatusAsync(ct));
        (late.Side, late.What).ShouldBe(("source", "query-status"));
        late.LastSeen.ShouldContain("stopped by a signal");

        await PairDiagnostics.WriteAsync(pair, TimeSpan.FromSeconds(10));
        (await File.ReadAllTextAsync(pair.Scratch.File("source.state"), ct)).ShouldContain("it does not answer");
        (await File.ReadAllTextAsync(pair.Scratch.File("destination.state"), ct)).ShouldContain("inmigrate");
        if (ExecutableSearch.OnPath("gdb") is not null)
        {
            (await File.ReadAllTextAsync(pair.Scratch.File("source.stacks"), ct)).ShouldContain("#0 ");
        }

        var processes = pair.Sides.Select(side => side.Process.Child).ToList();
        await pair.DisposeAsync();
        processes.ShouldAllBe(child => child.Exited.IsCompleted && !Directory.Exists($"/proc/{child.Id}"));
    }

    [Test, DrillLimit]
    public async Task A_destination_that_hangs_while_its_memory_is_polled_is_named_with_its_state(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct, Impatient());
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        pair.Destination.Process.Child.Signal(Signum.SIGSTOP).ShouldBeTrue();
        var late = await Should.ThrowAsync<WaitTimeoutException>(() => migration.WaitForPageSentAsync(ct));
        late.Side.ShouldBe("destination");
        late.LastSeen.ShouldContain("stopped by a signal");
    }

    [Test, DrillLimit]
    public async Task A_QEMU_that_does_not_quit_is_killed_and_that_is_told(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new(), ct, Impatient());
        pair.Destination.Process.Child.Signal(Signum.SIGSTOP).ShouldBeTrue();
        var (status, killed) = await pair.Destination.Process.QuitAsync(ct);
        killed.ShouldBeTrue();
        status.Signal.ShouldBe((int)Signum.SIGKILL);
    }

    private MigrationEnvironment Impatient() => Environment with { Limits = Environment.Limits with { Command = ShortForCommands, Quit = Short } };
}
