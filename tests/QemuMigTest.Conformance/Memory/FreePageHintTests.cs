using QemuMigTest.Conformance.Devices;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Pages that a guest's driver calls free are not sent, where the device has asked for them; those beside them are, and they themselves are when they are written to after that. A page that is wrongly taken for free is lost.</summary>
[RequiresDevice("virtio-balloon-pci")]
public sealed class FreePageHintTests : MigrationFixture
{
    private const uint PageSize = 4096;

    // All of these are full of noise, and what is free lies between: within a word of the dirty bitmap (the first of these pages is the 16th of one), across two, and all of one.
    private const int FilledPages = 200;
    private static readonly (int First, int Pages)[] Free = [(1, 1), (3, 5), (46, 4), (112, 64)];
    private const int WrittenAgain = 5;
    private const int WrittenInPart = 47;
    private const int OfferedTwice = 48;

    // As much as Linux calls free at once; behind the others, and mostly zero.
    private const uint LargeAt = 300;
    private const int LargePages = 1024;

    // Pages that are counted between two of query-migrate's numbers.
    private const int Meanwhile = 8;

    private static long Unsent => (Free.Sum(range => range.Pages) + LargePages) * (long)PageSize;

    [MigrationTest("/migration/memory/free-page-hints/plain", "")]
    [MigrationTest("/migration/memory/free-page-hints/multifd", "multifd")]
    [MigrationTest("/migration/memory/free-page-hints/xbzrle", "xbzrle")]
    public Task Free_pages_are_not_sent_unless_they_are_written_to([Capabilities] string capabilities, CancellationToken ct) => FreeAsync(capabilities, MigrationChannel.Tcp, ct);

    [MigrationTest("/migration/memory/free-page-hints/file/mapped-ram", "mapped-ram")]
    public Task Free_pages_are_not_written_to_a_file_unless_they_are_written_to([Capabilities] string capabilities, CancellationToken ct) => FreeAsync(capabilities, new FileChannel(), ct);

    private async Task FreeAsync(string capabilities, MigrationChannel channel, CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync(capabilities, Unsent, ct);
        var (migration, _) = await MigrateAndAnswerAsync(pair, hints, channel, ct);
        hints.Offer(Ranges(pages));
        await hints.WaitUntilTakenAsync("in pass 1", ct);
        hints.Offer((At(pages, OfferedTwice), 2));
        await hints.WaitUntilTakenAsync("in pass 1, once more", ct);
        hints.ExpectUnsent(Ranges(pages));
        pages.Fill(At(pages, WrittenAgain), "in pass 1, when it was called free");
        pages.FillMiddle(At(pages, WrittenInPart), "in pass 1, when it was called free");
        pages.Fill(LargeEnd(pages), "in pass 1, when it was called free");
        // A device may ask while the migration is being set up.
        (await migration.WaitForInfoAsync("pass 1", info => info.DirtySyncCount > 0, ct)).DirtySyncCount.ShouldBe(1, "pages that were sent before they are called free are there");

        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        hints.Asked.ShouldBe(FreePageHints.Done, "what the device shows when the guest has moved");
        await hints.SayAsync(FreePageHints.Stop, "after the migration", ct);
        await hints.WaitUntilIdleAsync(ct);
    }

    [MigrationTest("/migration/memory/free-page-hints/again")]
    public async Task A_guest_that_has_moved_is_asked_with_another_number(CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync("", Unsent, ct);
        var (first, number) = await MigrateAndAnswerAsync(pair, hints, MigrationChannel.Tcp, ct);
        await first.AllowConvergenceAsync(ct);
        await first.CompleteAsync(ct);

        await pair.HandOnAsync(ct);
        var second = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        var next = await hints.WaitUntilAskedAsync(second, number, ct);
        next.ShouldBeGreaterThan(number, "what the device asks with after it has moved");
        await hints.SayAsync(number, "in the second migration, in answer to the first", ct);
        hints.Offer((At(pages, 0), FilledPages));
        await hints.WaitUntilTakenAsync("in the second migration, in answer to the first", ct);
        await hints.SayAsync(next, "in the second migration", ct);
        hints.Offer(Ranges(pages));
        await hints.WaitUntilTakenAsync("in the second migration", ct);
        hints.ExpectUnsent(Ranges(pages));
        await second.AllowConvergenceAsync(ct);
        await second.CompleteAsync(ct);
        await hints.WaitUntilIdleAsync(ct);
    }

    [MigrationTest("/migration/memory/free-page-hints/unasked")]
    public async Task Pages_that_are_called_free_when_nobody_has_asked_are_sent(CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync("", 0, ct);
        hints.Asked.ShouldBe(FreePageHints.Stop, "what the device shows before the migration");
        await OfferAllAsync("before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        var number = await hints.WaitUntilAskedAsync(migration, FreePageHints.Numbered, ct);
        await OfferAllAsync("without a number");
        await hints.SayAsync(number - 1, "with the number before it", ct);
        await OfferAllAsync("with the number before it");
        await hints.SayAsync(FreePageHints.Stop, "before it began", ct);
        await hints.SayAsync(number, "in pass 1", ct);
        await hints.SayAsync(FreePageHints.Stop, "in pass 1", ct);
        await OfferAllAsync("after the end");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await OfferAllAsync("after the migration");
        await hints.WaitUntilIdleAsync(ct);

        async Task OfferAllAsync(string when)
        {
            hints.Offer((At(pages, 0), FilledPages));
            await hints.WaitUntilTakenAsync(when, ct);
        }
    }

    [MigrationTest("/migration/memory/free-page-hints/cancelled")]
    public async Task Pages_that_were_free_in_a_migration_that_was_cancelled_are_sent_in_the_next(CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync("", 0, ct);
        var (cancelled, number) = await MigrateAndAnswerAsync(pair, hints, MigrationChannel.Tcp, ct);
        hints.Offer(Ranges(pages));
        await hints.WaitUntilTakenAsync("in pass 1", ct);
        await cancelled.CancelAsync(DestinationEnd.Exits(), ct);
        hints.Asked.ShouldBe(FreePageHints.Done, "what the device shows when the migration was cancelled");

        await pair.StartAnotherDestinationAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await hints.WaitUntilAskedAsync(migration, number, ct);
        hints.Offer(Ranges(pages));
        await hints.WaitUntilTakenAsync("in the second migration, without its number", ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await hints.WaitUntilIdleAsync(ct);
    }

    [MigrationTest("/migration/memory/free-page-hints/stopped")]
    public async Task Nothing_is_taken_from_a_driver_while_the_guest_is_stopped(CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync("", Unsent, ct);
        var (migration, _) = await MigrateAndAnswerAsync(pair, hints, MigrationChannel.Tcp, ct);
        var before = await PagesAsync();
        await migration.StopGuestAsync(ct);
        var taken = hints.Taken;
        hints.Offer(Ranges(pages));
        await pair.Source.QueryMigrateAsync(ct);
        hints.Taken.ShouldBe(taken, "what the device has taken, while the guest is stopped");
        await migration.ContinueGuestAsync(ct);
        await hints.WaitUntilTakenAsync("in pass 1, after the stop", ct);
        hints.ExpectUnsent(Ranges(pages));
        (before - await PagesAsync()).ShouldBeInRange((Unsent / PageSize) - Meanwhile, (Unsent / PageSize) + Meanwhile, "by how many pages less were sent, or remain, when these were called free");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        await hints.WaitUntilIdleAsync(ct);

        async Task<long> PagesAsync()
        {
            var info = await migration.WaitForInfoAsync("pages to be sent", info => info.RamTransferred > 0, ct);
            return (info.RamRemaining!.Value / PageSize) + info.RamDuplicate!.Value + info.Raw.GetProperty("ram").GetProperty("normal").GetInt64();
        }
    }

    [MigrationTest("/migration/memory/free-page-hints/left-stopped")]
    public async Task A_device_that_leaves_while_it_looks_for_hints_wants_to_be_told_of_them_where_it_arrives(CancellationToken ct)
    {
        var (pair, _, hints) = await StartAsync("", 0, ct);
        var (first, number) = await MigrateAndAnswerAsync(pair, hints, MigrationChannel.Tcp, ct);
        await hints.WaitUntilLookingAsync(ct);
        await first.StopGuestAsync(ct);
        hints.ExpectWantsNotToBeTold("in pass 1");
        await first.AllowConvergenceAsync(ct);
        await first.CompleteAsync(ct);

        await pair.HandOnAsync(ct);
        var forgotten = Quirks.HintsAreLookedForNoMore(pair.Environment.Destination.Version);
        if (forgotten)
        {
            NoteFault("a virtio-balloon that leaves while it looks for free page hints, the guest being stopped: where it arrives it does not look, and wants not to be told of them for good");
        }
        else
        {
            await hints.WaitUntilWantsToBeToldAsync(ct);
        }

        var second = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await hints.WaitUntilAskedAsync(second, number, ct);
        hints.WantsToBeTold.ShouldBe(!forgotten, "whether the device wants to be told of hints, when it asks for some in the second migration");
        await second.AllowConvergenceAsync(ct);
        await second.CompleteAsync(ct);
        await hints.WaitUntilIdleAsync(ct);
    }

    [MigrationTest("/migration/memory/free-page-hints/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task Nobody_is_asked_for_free_pages_where_postcopy_may_follow(CancellationToken ct)
    {
        var (pair, pages, hints) = await StartAsync("postcopy-ram", 0, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPageSentAsync(ct);
        hints.Asked.ShouldBe(FreePageHints.Stop, "what the device shows in pass 1");
        await hints.SayAsync(FreePageHints.Numbered + 1, "in pass 1", ct);
        hints.Offer(Ranges(pages));
        await hints.WaitUntilTakenAsync("in pass 1", ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
        await hints.WaitUntilIdleAsync(ct);
    }

    private static async Task<(MigrationRun Migration, uint Number)> MigrateAndAnswerAsync(MigrationPair pair, FreePageHints hints, MigrationChannel channel, CancellationToken ct)
    {
        var migration = await pair.MigrateAsync(channel, ct);
        var number = await hints.WaitUntilAskedAsync(migration, FreePageHints.Numbered, ct);
        await hints.SayAsync(number, "in pass 1", ct);
        return (migration, number);
    }

    private async Task<(MigrationPair Pair, DevicePages Pages, FreePageHints Hints)> StartAsync(string capabilities, long unsent, CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Capabilities = MigrationCapability.Several(capabilities),
            UnsentBytes = unsent,
            SourceArguments = FreePageHints.Arguments,
            DestinationArguments = FreePageHints.Arguments,
        }, ct);
        var (pages, hints) = (new DevicePages(pair), new FreePageHints(pair));
        pages.FillMany(pages.High, FilledPages, "before the migration");
        pages.Fill(Large(pages) - PageSize, "before the migration");
        pages.Fill(Large(pages), "before the migration");
        pages.Fill(LargeEnd(pages), "before the migration");
        pages.Fill(LargeEnd(pages) + PageSize, "before the migration");
        return (pair, pages, hints);
    }

    private static uint At(DevicePages pages, int number) => pages.High + ((uint)number * PageSize);

    private static uint Large(DevicePages pages) => pages.High + (LargeAt * PageSize);

    private static uint LargeEnd(DevicePages pages) => Large(pages) + ((LargePages - 1) * PageSize);

    private static (uint Page, int Pages)[] Ranges(DevicePages pages) => [.. Free.Select(range => (At(pages, range.First), range.Pages)), (Large(pages), LargePages)];
}
