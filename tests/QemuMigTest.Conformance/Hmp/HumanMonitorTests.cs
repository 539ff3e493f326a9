using System.Globalization;
using System.Text.RegularExpressions;

namespace QemuMigTest.Conformance.Hmp;

/// <summary>A guest is moved by what is typed in the human monitor, and that tells of it what QMP does.</summary>
public sealed partial class HumanMonitorTests : MigrationFixture
{
    [MigrationTest("/migration/hmp/precopy")]
    public async Task A_guest_moves_and_info_migrate_says_what_query_migrate_does(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { HumanMonitor = true, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        (await pair.Source.HumanAsync("info migrate", ct)).ShouldContain("active");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await ShouldSayAsync(pair.Source, ct);
    }

    [MigrationTest("/migration/hmp/multifd"), RequiresCapability("multifd")]
    public async Task A_guest_moves_over_several_channels(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            HumanMonitor = true,
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.Multifd],
            Parameters = new() { ["multifd-channels"] = 3, ["multifd-compression"] = "zlib" },
            Convergence = Convergence.Allowed,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        await ShouldSayAsync(pair.Source, ct);
    }

    [MigrationTest("/migration/hmp/cancel")]
    public async Task A_migration_is_cancelled_and_the_guest_moves_then(CancellationToken ct)
    {
        // Since then a destination that was told by HMP says that it failed, and stays.
        var stays = Environment.Destination.Version.IsAtLeast(9, 1);
        var pair = await StartPairAsync(new() { HumanMonitor = true, ExitOnError = !stays, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var cancelled = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await cancelled.WaitForPageSentAsync(ct);
        await cancelled.CancelAsync(stays ? DestinationEnd.Fails() : DestinationEnd.Exits(), ct);
        (await pair.Source.HumanAsync("info migrate", ct)).ShouldContain("cancelled");
        await pair.StartAnotherDestinationAsync(ct);
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        await (await pair.MigrateAsync(MigrationChannel.Unix, ct)).CompleteAsync(ct);
    }

    [MigrationTest("/migration/hmp/pre-switchover"), RequiresCapability("pause-before-switchover")]
    public async Task A_migration_waits_and_goes_on(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            HumanMonitor = true,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Convergence = Convergence.Allowed,
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        (await pair.Source.HumanAsync("info migrate", ct)).ShouldContain("pre-switchover");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/hmp/postcopy-recovery"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_postcopy_is_paused_and_recovered(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { HumanMonitor = true, Capabilities = [MigrationCapability.PostcopyRam], SourceParameters = new() { ["max-postcopy-bandwidth"] = SlowBandwidth } }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct);
        await migration.PauseAsync(ct);
        await pair.Source.SetParametersAsync(new() { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.RecoverAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        await ShouldSayAsync(pair.Source, ct);
    }

    // Bytes a second: postcopy is not over before it is paused.
    private const long SlowBandwidth = 1 << 20;

    // What each says, by the words that QEMU had for it to 10.0, and since.
    private static readonly (string Name, string Before, string Since)[] Numbers =
    [
        ("total-time", @"(?m)^total time: (\d+) ms", @"total=(\d+)[,\s]"),
        ("downtime", @"(?m)^downtime: (\d+) ms", @"down=(\d+)\s"),
        ("setup-time", @"(?m)^setup: (\d+) ms", @"setup=(\d+)[,\s]"),
        ("ram.normal", @"(?m)^normal: (\d+) pages", @"normal=(\d+)[,\s]"),
        ("ram.duplicate", @"(?m)^duplicate: (\d+) pages", @"zero=(\d+)[,\s]"),
        ("ram.dirty-sync-count", @"(?m)^dirty sync count: (\d+)", @"dirty_syncs=(\d+)[,\s]"),
        ("ram.pages-per-second", @"(?m)^pages-per-second: (\d+)", @"transfer=(\d+)[,\s]"),
    ];

    private static async Task ShouldSayAsync(MigrationSide side, CancellationToken ct)
    {
        var (text, info) = (await side.HumanAsync("info migrate", ct), (await side.QueryMigrateAsync(ct)).Raw);
        Status().Match(text).Groups[1].Value.ShouldBe(info.GetProperty("status").GetString(), text);
        foreach (var (name, before, since) in Numbers)
        {
            var wanted = name.Split('.').Aggregate(info, (at, part) => at.GetProperty(part)).GetInt64();
            var match = new[] { before, since }.Select(pattern => Regex.Match(text, pattern)).FirstOrDefault(found => found.Success);
            match.ShouldNotBeNull($"info migrate says {name} in no way that is known:\n{text}");
            long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture).ShouldBe(wanted, $"{name} by info migrate, and by query-migrate:\n{text}");
        }
    }

    [GeneratedRegex(@"(?i)(?m)^(?:Migration )?status:\s+(\S+)")]
    private static partial Regex Status();
}
