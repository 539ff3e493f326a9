using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>direct-io writes pages past the page cache, and without it none are.</summary>
[RequiresCapability("multifd"), RequiresCapability("mapped-ram"), RequiresArgument("migrate-set-parameters", "direct-io"), RequiresDirectIo]
public sealed class DirectIoTests : MigrationFixture
{
    [MigrationTest("/migration/promises/direct-io/true", true)]
    [MigrationTest("/migration/promises/direct-io/false", false)]
    public async Task The_file_is_written_past_the_page_cache_or_through_it(bool directIo, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.Multifd, MigrationCapability.MappedRam],
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Parameters = new JsonObject { ["direct-io"] = directIo },
            Convergence = Convergence.Allowed,
        }, ct);
        var file = new FileChannel();
        var migration = await pair.MigrateAsync(file, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var open = OpenFile.Of(pair.Source.Process.Child.Id).Where(open => open.Path == file.FilePath).ToList();
        open.ShouldNotBeEmpty("the source writes the file");
        open.Any(open => open.IsDirect).ShouldBe(directIo, $"{file.FilePath} is open {open.Count} times");
        open.ShouldContain(open => !open.IsDirect, "what is not RAM has no place at a multiple of a block");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
