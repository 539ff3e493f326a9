using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>-S, stop and cont before the guest has come, and exit-on-error on the destination do what they say.</summary>
public sealed class DestinationTests : MigrationFixture
{
    private const long Begun = 1_000_000;

    // Where the destination's guest has not run yet, both sides have one and the same guest: it went on nowhere after the switchover.
    [MigrationTest("/migration/promises/autostart/precopy", false)]
    [MigrationTest("/migration/promises/autostart/return-path", true)]
    public async Task A_destination_started_with_S_stays_paused_with_the_very_guest_that_left(bool returnPath, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with
        {
            Convergence = Convergence.Allowed,
            Capabilities = returnPath ? [MigrationCapability.ReturnPath] : [],
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await SeeGuestStayAsync(migration, "it was started with -S", ct);
    }

    [MigrationTest("/migration/promises/autostart/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/promises/autostart/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public async Task In_postcopy_a_destination_started_with_S_stays_paused_with_the_very_guest_that_left([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with
        {
            Convergence = Convergence.Held,
            Capabilities = MigrationCapability.Several(capabilities),
            DestinationArguments = new QemuCommandLine().With("-S"),
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await pair.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await SeeGuestStayAsync(migration, "it was started with -S", ct);
        pair.Source.Process.Qmp.Events.Skip(migration.SourceEvents).Select(MigrationSide.StatusOf).ShouldContain(MigrationStatus.PostcopyActive);
    }

    // stop and cont before the guest is there: whether it runs when it comes.
    [MigrationTest("/migration/promises/autostart/stop/waiting", false)]
    [MigrationTest("/migration/promises/autostart/stop/receiving", true)]
    public async Task A_destination_that_was_stopped_before_the_guest_came_stays_paused(bool receiving, CancellationToken ct)
    {
        var pair = await StartPairAsync(Options, ct);
        if (!receiving)
        {
            await TellAsync(pair.Destination, "stop", ct);
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        if (receiving)
        {
            await TellAsync(pair.Destination, "stop", ct);
        }

        await migration.AllowConvergenceAsync(ct);
        await SeeGuestStayAsync(migration, "it was told stop while it waited for the guest", ct);
    }

    [MigrationTest("/migration/promises/autostart/cont")]
    public async Task A_destination_started_with_S_that_was_continued_before_the_guest_came_lets_it_run(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with { DestinationArguments = new QemuCommandLine().With("-S") }, ct);
        await TellAsync(pair.Destination, "stop", ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await TellAsync(pair.Destination, "cont", ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/promises/exit-on-error/true")]
    public Task A_destination_that_loses_its_source_exits(CancellationToken ct) => BreakAsync(exits: true, ct);

    [MigrationTest("/migration/promises/exit-on-error/false"), RequiresArgument("migrate-incoming", "exit-on-error")]
    public Task A_destination_that_loses_its_source_stays_where_it_was_told_so(CancellationToken ct) => BreakAsync(exits: false, ct);

    private static PairOptions Options => new() { RegionMiB = PairOptions.SmallRegionMiB };

    // Neither STOP nor RESUME comes of it.
    private static async Task TellAsync(MigrationSide destination, string command, CancellationToken ct)
    {
        await destination.ExecuteAsync(command, null, ct);
        (await destination.QueryStatusAsync(ct)).ShouldBe(new RunState("inmigrate", false), $"after {command} it still waits for the guest");
    }

    private static async Task SeeGuestStayAsync(MigrationRun migration, string why, CancellationToken ct)
    {
        var pair = migration.Pair;
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "migration status completed", ct);
        await migration.WaitForStatusAsync(MigrationStatus.Completed, ct);
        (await pair.Destination.QueryStatusAsync(ct)).ShouldBe(new RunState("paused", false), why);
        var left = await pair.Source.HumanAsync("info registers", ct);
        (await pair.Destination.HumanAsync("info registers", ct)).ShouldBe(left, "no instruction may be executed between the switchover and cont");
        (await MemoryAsync(pair.Destination, pair, ct)).ShouldBe(await MemoryAsync(pair.Source, pair, ct), "no byte may be written between the switchover and cont");
        await pair.Destination.ContinueAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private async Task BreakAsync(bool exits, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { ExitOnError = exits, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await proxy.WaitForBytesAsync(Begun, Environment.Limits.Step, ct);
        proxy.Break();
        await migration.FailAsync([], exits ? DestinationEnd.Exits() : DestinationEnd.Fails(), ct);
    }

    private static async Task<string> MemoryAsync(MigrationSide side, MigrationPair pair, CancellationToken ct)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        await side.Memory.ReadAsync(pair.Program.Settings.RegionStart, pair.Program.Settings.RegionSize, (_, piece) => hash.AppendData(piece), ct);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
