using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Promises;

/// <summary>direct-io writes and reads pages past the page cache, and without it none are.</summary>
[RequiresCapability("multifd"), RequiresCapability("mapped-ram"), RequiresArgument("migrate-set-parameters", "direct-io"), RequiresDirectIo]
public sealed class DirectIoTests : MigrationFixture
{
    // Each of the channels that write pages opens the file for itself.
    private const int Channels = 3;

    [MigrationTest("/migration/promises/direct-io/true", true)]
    [MigrationTest("/migration/promises/direct-io/false", false)]
    public async Task The_file_is_written_past_the_page_cache_or_through_it(bool directIo, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.Multifd, MigrationCapability.MappedRam],
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Parameters = new JsonObject { ["direct-io"] = directIo, ["multifd-channels"] = Channels },
            Convergence = Convergence.Allowed,
        }, ct);
        var file = new FileChannel();
        var migration = await pair.MigrateAsync(file, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        var open = OpenFile.Of(pair.Source.Process.Child.Id).Where(open => open.Path == file.FilePath).ToList();
        open.ShouldNotBeEmpty("the source writes the file");
        open.Count(open => open.IsDirect).ShouldBe(directIo ? Channels : 0, $"times that {file.FilePath} is open past the page cache, of {open.Count}; {Channels} channels write pages");
        open.ShouldContain(open => !open.IsDirect, "what is not RAM has no place at a multiple of a block");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // It opens the file when it begins to listen, and need not read it to be refused: here nothing is in it.
    [MigrationTest("/migration/promises/direct-io/load")]
    public async Task A_destination_does_not_load_without_a_descriptor_that_goes_past_the_page_cache(CancellationToken ct)
    {
        const int Set = 9;
        var pair = await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Capabilities = [MigrationCapability.Multifd, MigrationCapability.MappedRam],
            Parameters = new JsonObject { ["direct-io"] = true },
            Convergence = Convergence.Allowed,
        }, ct);
        var path = pair.Scratch.File("empty");
        await System.IO.File.WriteAllBytesAsync(path, [], ct);
        using (var file = System.IO.File.OpenHandle(path))
        {
            await pair.Destination.Process.ExecuteWithDescriptorAsync("add-fd", new() { ["fdset-id"] = Set }, file, ct);
        }

        var refusal = await Should.ThrowAsync<QmpCommandException>(() => pair.Destination.ExecuteAsync("migrate-incoming", new() { ["uri"] = $"file:/dev/fdset/{Set}" }, ct),
            "direct-io is on, and no descriptor of the set was opened with O_DIRECT");
        refusal.Description.ShouldContain($"matching flags=0x{(int)OpenFlags.O_DIRECT:x}");

        // One that was refused does not listen again: its status is setup.
        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(new FdsetChannel(descriptors: 2, directIo: true), ct);
        await migration.CompleteAsync(ct);
    }
}
