using System.Globalization;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>query-migrationthreads (since 7.2), by which a manager pins a migration's threads to processors, has each of them, and no other.</summary>
[RequiresCommand("query-migrationthreads")]
public sealed class ThreadTests : MigrationFixture
{
    // The kernel keeps as much of a thread's name.
    private const int KernelName = 15;
    private const int Channels = 2;

    [MigrationTest("/migration/promises/migration-threads/plain", "", 1)]
    [MigrationTest("/migration/promises/migration-threads/multifd", "multifd", 1 + Channels)]
    public async Task A_migration_s_threads_are_told_with_their_names([Capabilities] string capabilities, int count, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Parameters = new() { ["multifd-channels"] = Channels }, RegionMiB = PairOptions.HeldFastRegionMiB, Convergence = Convergence.HeldFast }, ct);
        (await QueryAsync(pair.Source, ct)).ShouldBeEmpty("before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        var threads = await QueryAsync(pair.Source, ct);
        threads.Count.ShouldBe(count, $"the thread of the migration, and one a channel: {string.Join(", ", threads.Values)}");
        foreach (var (id, name) in threads)
        {
            var task = string.Create(CultureInfo.InvariantCulture, $"/proc/{pair.Source.Process.Child.Id}/task/{id}/comm");
            (await System.IO.File.ReadAllTextAsync(task, ct)).TrimEnd().ShouldBe(name.Length > KernelName ? name[..KernelName] : name, task);
        }

        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await WaitForNoneAsync(pair, ct);
    }

    [MigrationTest("/migration/promises/migration-threads/cancelled", "")]
    [MigrationTest("/migration/promises/migration-threads/cancelled/multifd", "multifd")]
    public async Task A_migration_that_was_cancelled_has_no_threads([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        (await QueryAsync(pair.Source, ct)).ShouldNotBeEmpty();
        await migration.CancelAsync(DestinationEnd.Exits(), ct);
        await WaitForNoneAsync(pair, ct);
    }

    private Task WaitForNoneAsync(MigrationPair pair, CancellationToken ct) => Poll.UntilAsync(pair.Source.Name, "query-migrationthreads to have no thread of a migration that has ended; no event tells of their end",
        async token => (await QueryAsync(pair.Source, token)).Count == 0 ? pair : null, pair.Source.Process.LastSeen, Environment.Limits.Command, ct);

    private static async Task<Dictionary<long, string>> QueryAsync(MigrationSide side, CancellationToken ct) => (await side.ExecuteAsync("query-migrationthreads", null, ct))
        .EnumerateArray().ToDictionary(thread => thread.GetProperty("thread-id").GetInt64(), thread => thread.GetProperty("name").GetString()!);
}
