using System.Text.Json;
using System.Text.Json.Nodes;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>dirty-bitmaps takes the bitmaps of the guest's disk along, with what they say, and without it none are.</summary>
[RequiresArgument("block-dirty-bitmap-add", "granularity")]
public sealed class DirtyBitmapTests : MigrationFixture
{
    private const string Disk = "d0";
    private const string SharedDisk = "d1";
    private const string Name = "since-backup";
    private const string Second = "since-weekly-backup";
    private const int Granularity = 512;
    private const int CoarseGranularity = 65536;
    private const uint DiskBytes = 1 << 20;
    private const int LastPiece = (int)(DiskBytes / Granularity) - 1;
    private static readonly bool[] TransientAndPersistent = [false, true];
    private static readonly bool?[] AsItWasAndOther = [null, false, true];

    [MigrationTest("/migration/promises/dirty-bitmaps/true", "dirty-bitmaps", true)]
    [MigrationTest("/migration/promises/dirty-bitmaps/false", "", false)]
    public async Task The_bitmaps_go_along_or_stay([Capabilities] string capabilities, bool along, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, Convergence = Convergence.Allowed, Capabilities = MigrationCapability.Several(capabilities) }, ct);
        await AddAsync(pair, Name, ct);
        // The disk is only a part of its one piece.
        await AddAsync(pair, Second, ct, CoarseGranularity);
        await pair.Source.HumanAsync($"qemu-io {Disk} \"write 0 {Granularity}\"", ct);
        (string, int, int)[] expected = [(Name, Granularity, Granularity), (Second, CoarseGranularity, CoarseGranularity)];
        (await BitmapsAsync(pair.Source, ct)).ShouldBe(expected, "one piece of the disk was written to");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        (await BitmapsAsync(pair.Destination, ct)).ShouldBe(along ? expected : []);
    }

    [MigrationTest("/migration/promises/dirty-bitmaps/mapping"), RequiresCapability("dirty-bitmaps"), RequiresArgument("migrate-set-parameters", "block-bitmap-mapping")]
    public async Task A_bitmap_goes_by_its_alias_to_the_disk_and_the_name_that_the_destination_has_for_it(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RegionMiB = PairOptions.SmallRegionMiB, Convergence = Convergence.Allowed, Capabilities = [new("dirty-bitmaps")] }, ct);
        await AddAsync(pair, Name, ct);
        await AddAsync(pair, "not-mapped", ct);
        await pair.Source.HumanAsync($"qemu-io {Disk} \"write 0 {Granularity}\"", ct);
        await MapAsync(pair.Source, Disk, [(Name, "bitmap", null)], ct);
        await MapAsync(pair.Destination, Disk, [("renamed", "bitmap", null)], ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        (await BitmapsAsync(pair.Destination, ct)).ShouldBe([("renamed", Granularity, Granularity)]);
    }

    [MigrationTest("/migration/promises/dirty-bitmaps/cancelled", true)]
    [MigrationTest("/migration/promises/dirty-bitmaps/failed", false)]
    [RequiresCapability("dirty-bitmaps")]
    public async Task Bitmaps_are_free_after_a_migration_that_came_to_nothing_and_go_along_with_the_next(bool cancelled, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = [new("dirty-bitmaps")], RegionMiB = PairOptions.SmallRegionMiB }, ct);
        await AddAsync(pair, Name, ct);
        await AddAsync(pair, Second, ct);
        await pair.Source.HumanAsync($"qemu-io {Disk} \"write 0 {Granularity}\"", ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        (await IsBusyAsync(pair.Source, ct)).ShouldBeTrue("a migration has them");
        if (cancelled)
        {
            await migration.CancelAsync(DestinationEnd.Exits(), ct);
        }
        else
        {
            await pair.LoseAsync(pair.Destination, ct);
            await migration.FailAsync("", DestinationEnd.Stays, ct);
        }

        // They are given up beside the last status.
        await Poll.UntilAsync(pair.Source.Name, "its bitmaps not to be busy any more", async token => await IsBusyAsync(pair.Source, token) ? null : this,
            () => "query-block says busy of one", Environment.Limits.Command, ct);
        (await BitmapsAsync(pair.Source, ct)).ShouldBe([(Name, Granularity, Granularity), (Second, Granularity, Granularity)]);
        foreach (var name in new[] { Name, Second })
        {
            await pair.Source.ExecuteAsync("block-dirty-bitmap-clear", new() { ["node"] = Disk, ["name"] = name }, ct);
        }

        (await BitmapsAsync(pair.Source, ct)).ShouldBe([(Name, Granularity, 0), (Second, Granularity, 0)], "they were cleared");
        await pair.Source.HumanAsync($"qemu-io {Disk} \"write 0 {Granularity}\"", ct);
        await pair.StartAnotherDestinationAsync(ct);
        await pair.SetConvergenceAsync(Convergence.Allowed, ct);
        migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        (await BitmapsAsync(pair.Destination, ct)).ShouldBe([(Name, Granularity, Granularity), (Second, Granularity, Granularity)]);
        (await IsBusyAsync(pair.Destination, ct)).ShouldBeFalse("the migration has completed");
    }

    [MigrationTest("/migration/promises/dirty-bitmaps/disabled", false)]
    [MigrationTest("/migration/promises/dirty-bitmaps/persistent", true)]
    [RequiresCapability("dirty-bitmaps")]
    public async Task A_bitmap_that_records_goes_on_with_it_and_one_that_is_disabled_stays_so(bool persistent, CancellationToken ct)
    {
        const string Recording = "recording", Disabled = "disabled";
        var pair = await StartWithSharedDiskAsync(ct);
        foreach (var name in new[] { Recording, Disabled })
        {
            await pair.Source.ExecuteAsync("block-dirty-bitmap-add", new() { ["node"] = SharedDisk, ["name"] = name, ["granularity"] = Granularity, ["persistent"] = persistent }, ct);
        }

        await WriteAsync(pair.Source, 0);
        await pair.Source.ExecuteAsync("block-dirty-bitmap-disable", new() { ["node"] = SharedDisk, ["name"] = Disabled }, ct);
        await WriteAsync(pair.Source, 1);
        (await StatesAsync(pair.Source)).ShouldBe([(Disabled, false, persistent, 1), (Recording, true, persistent, 2)]);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        (await StatesAsync(pair.Destination)).ShouldBe([(Disabled, false, persistent, 1), (Recording, true, persistent, 2)],
            "a bitmap arrives as it was: its name, whether it records, whether it is persistent, its dirty pieces");
        await WriteAsync(pair.Destination, 2);
        (await StatesAsync(pair.Destination)).ShouldBe([(Disabled, false, persistent, 1), (Recording, true, persistent, 3)],
            "on the destination, too, a write is noted by the bitmap that records and not by the one that is disabled");

        Task WriteAsync(MigrationSide side, int piece) => side.HumanAsync($"qemu-io {SharedDisk} \"write {piece * Granularity} {Granularity}\"", ct);

        async Task<IReadOnlyList<(string Name, bool Recording, bool Persistent, int Pieces)>> StatesAsync(MigrationSide side) =>
        [
            .. (await DiskAsync(side, ct, SharedDisk)).GetProperty("dirty-bitmaps").EnumerateArray()
                .Select(bitmap => (bitmap.GetProperty("name").GetString()!, bitmap.GetProperty("recording").GetBoolean(), bitmap.GetProperty("persistent").GetBoolean(), Number(bitmap, "count") / Granularity))
                .Order(),
        ];
    }

    // They may be sent when the guest runs on the destination already, with its memory or after it.
    [MigrationTest("/migration/promises/dirty-bitmaps/postcopy/memory", "postcopy-ram", false)]
    [MigrationTest("/migration/promises/dirty-bitmaps/postcopy/memory/persistent", "postcopy-ram", true)]
    [RequiresCapability("dirty-bitmaps"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task A_bitmap_that_is_sent_in_postcopy_says_what_was_written_before_and_since([Capabilities] string capabilities, bool persistent, CancellationToken ct)
    {
        var pair = await StartWithSharedDiskAsync(ct, MigrationCapability.Several(capabilities), Convergence.Held);
        await pair.Source.ExecuteAsync("block-dirty-bitmap-add", new() { ["node"] = SharedDisk, ["name"] = Name, ["granularity"] = Granularity, ["persistent"] = persistent }, ct);
        await WriteAsync(pair.Source, 0);
        await WriteAsync(pair.Source, LastPiece);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await WriteAsync(pair.Source, 3);
        await migration.StartPostcopyAsync(ct);
        await WriteAsync(pair.Destination, 5);
        await migration.CompleteAsync(ct);
        await WriteAsync(pair.Destination, 7);
        var bitmap = (await DiskAsync(pair.Destination, ct, SharedDisk)).GetProperty("dirty-bitmaps").EnumerateArray().ShouldHaveSingleItem();
        (bitmap.GetProperty("name").GetString(), bitmap.GetProperty("recording").GetBoolean(), bitmap.GetProperty("busy").GetBoolean(), bitmap.GetProperty("persistent").GetBoolean(), Number(bitmap, "count") / Granularity)
            .ShouldBe((Name, true, false, persistent, 5), "pieces 0, 3 and the last were written to on the source, 5 and 7 on the destination");

        Task WriteAsync(MigrationSide side, int piece) => side.HumanAsync($"qemu-io {SharedDisk} \"write {piece * Granularity} {Granularity}\"", ct);
    }

    [MigrationTest("/migration/promises/dirty-bitmaps/transform/source", true)]
    [MigrationTest("/migration/promises/dirty-bitmaps/transform/destination", false)]
    [RequiresCapability("dirty-bitmaps"), RequiresArgument("migrate-set-parameters", "block-bitmap-mapping")]
    public async Task A_bitmap_is_persistent_or_not_as_the_mapping_says_and_as_it_was_where_it_says_nothing(bool source, CancellationToken ct)
    {
        var pair = await StartWithSharedDiskAsync(ct);
        var bitmaps = (
            from was in TransientAndPersistent
            from wanted in AsItWasAndOther
            select (Name: $"{(was ? "persistent" : "transient")}-{wanted?.ToString() ?? "as-it-was"}", Was: was, Wanted: wanted)).ToList();
        foreach (var (name, was, _) in bitmaps)
        {
            await pair.Source.ExecuteAsync("block-dirty-bitmap-add", new() { ["node"] = SharedDisk, ["name"] = name, ["granularity"] = Granularity, ["persistent"] = was }, ct);
        }

        await MapAsync(source ? pair.Source : pair.Destination, SharedDisk, bitmaps.Select(bitmap => (bitmap.Name, $"alias-{bitmap.Name}", bitmap.Wanted)), ct);
        await MapAsync(source ? pair.Destination : pair.Source, SharedDisk, bitmaps.Select(bitmap => (bitmap.Name, $"alias-{bitmap.Name}", (bool?)null)), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        (await DiskAsync(pair.Destination, ct, SharedDisk)).GetProperty("dirty-bitmaps").EnumerateArray()
            .Select(bitmap => (bitmap.GetProperty("name").GetString()!, bitmap.GetProperty("persistent").GetBoolean()))
            .ShouldBe(bitmaps.Select(bitmap => (bitmap.Name, bitmap.Wanted ?? bitmap.Was)), ignoreOrder: true);
    }

    // Both sides have the same image, for only a qcow2 image can keep bitmaps.
    private async Task<MigrationPair> StartWithSharedDiskAsync(CancellationToken ct, IReadOnlyList<MigrationCapability>? more = null, Convergence convergence = Convergence.Allowed)
    {
        var image = Session.Scratch.CreateChild("shared").File("image");
        await System.IO.File.WriteAllBytesAsync(image, Qcow2Image.Empty(DiskBytes, version: 3), ct);
        var drive = new QemuCommandLine().With("-drive", $"if=none,id={SharedDisk},format=qcow2,file={QemuCommandLine.InList(image)}");
        return await StartPairAsync(new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Convergence = convergence,
            Capabilities = [new("dirty-bitmaps"), .. more ?? []],
            SourceArguments = drive,
            DestinationArguments = drive,
        }, ct);
    }

    private static async Task MapAsync(MigrationSide side, string disk, IEnumerable<(string Name, string Alias, bool? Persistent)> bitmaps, CancellationToken ct) => await side.SetParametersAsync(new JsonObject
    {
        ["block-bitmap-mapping"] = new JsonArray(new JsonObject
        {
            ["node-name"] = (await DiskAsync(side, ct, disk)).GetProperty("node-name").GetString(),
            ["alias"] = "disk",
            ["bitmaps"] = new JsonArray([.. bitmaps.Select(bitmap => Alias(bitmap.Name, bitmap.Alias, bitmap.Persistent))]),
        }),
    }, ct);

    private static JsonObject Alias(string name, string alias, bool? persistent)
    {
        var made = new JsonObject { ["name"] = name, ["alias"] = alias };
        if (persistent is { } wanted)
        {
            made["transform"] = new JsonObject { ["persistent"] = wanted };
        }

        return made;
    }

    private static async Task<JsonElement> DiskAsync(MigrationSide side, CancellationToken ct, string disk = Disk) =>
        (await side.ExecuteAsync("query-block", null, ct)).EnumerateArray().Single(block => block.GetProperty("device").GetString() == disk).GetProperty("inserted");

    // Name, bytes that one bit stands for, bytes that are dirty.
    private static async Task<IReadOnlyList<(string Name, int Granularity, int Count)>> BitmapsAsync(MigrationSide side, CancellationToken ct)
    {
        return (await DiskAsync(side, ct)).TryGetProperty("dirty-bitmaps", out var bitmaps)
            ? [.. bitmaps.EnumerateArray().Select(bitmap => (Name: bitmap.GetProperty("name").GetString()!, Number(bitmap, "granularity"), Number(bitmap, "count"))).OrderBy(bitmap => bitmap.Name, StringComparer.Ordinal)]
            : [];
    }

    private static async Task<bool> IsBusyAsync(MigrationSide side, CancellationToken ct) =>
        (await DiskAsync(side, ct)).GetProperty("dirty-bitmaps").EnumerateArray().Any(bitmap => bitmap.GetProperty("busy").GetBoolean());

    private static Task AddAsync(MigrationPair pair, string name, CancellationToken ct, int granularity = Granularity) =>
        pair.Source.ExecuteAsync("block-dirty-bitmap-add", new() { ["node"] = Disk, ["name"] = name, ["granularity"] = granularity }, ct);

    private static int Number(JsonElement bitmap, string name) => bitmap.GetProperty(name).GetInt32();
}
