using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.State;

public sealed class StateTests : StateFixture
{
    [MigrationTest("/migration/state/precopy/running", 1, true)]
    [MigrationTest("/migration/state/precopy/stopped", 1, false)]
    [MigrationTest("/migration/state/smp/running", 3, true)]
    [MigrationTest("/migration/state/smp/stopped", 3, false)]
    public async Task CPU_and_devices_are_after_a_migration_what_they_were(int vcpus, bool running, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(vcpus, [], ct);
        if (!running)
        {
            await pair.StopSourceAsync(ct);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/state/precopy/passes")]
    public async Task They_are_looked_at_while_memory_is_sent_pass_after_pass(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [], ct, Convergence.Held);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.WaitForPassAsync(2, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/state/precopy/cancelled")]
    public async Task They_are_what_they_were_when_a_migration_is_cancelled(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [], ct, Convergence.Held);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.CancelAsync(DestinationEnd.Exits(), ct);
    }

    [MigrationTest("/migration/state/multifd"), RequiresCapability("multifd")]
    public async Task They_come_beside_memory_that_takes_channels_of_its_own(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [MigrationCapability.Multifd], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/state/postcopy", false), MigrationTest("/migration/state/postcopy/preempt", true)]
    [RequiresCapability("postcopy-ram"), RequiresCapability("postcopy-preempt"), RequiresUserfaultfd]
    public async Task They_come_in_one_piece_before_memory_does(bool preempt, CancellationToken ct)
    {
        // There postcopy loses stores of a guest of few pages (/migration/memory/few-pages proves it): one that stands still has none to lose.
        var stopped = Quirks.PostcopyRamLosesStores(Environment);
        var pair = await StartPairAsync(StateOptions(new() { Vcpus = 3 }, preempt ? [MigrationCapability.PostcopyRam, MigrationCapability.PostcopyPreempt] : [MigrationCapability.PostcopyRam], Convergence.Held) with
        {
            DestinationArguments = stopped ? new QemuCommandLine().With("-S") : new(),
        }, ct);
        if (stopped)
        {
            await pair.StopSourceAsync(ct);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        if (stopped)
        {
            await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        }
        else
        {
            await migration.StartPostcopyAsync(ct);
        }

        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/state/file"), RequiresArgument("migrate", "channels", "file")]
    public async Task They_come_out_of_a_file(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [], ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/state/file/mapped-ram"), RequiresCapability("mapped-ram")]
    public async Task They_come_out_of_a_file_where_each_page_has_its_place(CancellationToken ct)
    {
        var pair = await StartStatePairAsync(2, [MigrationCapability.MappedRam], ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }
}
