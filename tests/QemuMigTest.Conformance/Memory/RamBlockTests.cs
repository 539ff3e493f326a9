using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>RAM in several blocks, each with a list of dirty pages, a place in a file and a name that pages are asked for by: no page of one ends in another.</summary>
public sealed class RamBlockTests : MigrationFixture
{
    private const int Abort = 6;

    // The region is in each of them. The largest, which is sent first, has least of it.
    internal static readonly int[] NodesKiB = [52_000, 49_000, 52_600];

    [MigrationTest("/migration/memory/blocks/precopy/plain", "")]
    [MigrationTest("/migration/memory/blocks/precopy/xbzrle", "xbzrle")]
    [MigrationTest("/migration/memory/blocks/multifd", "multifd")]
    public async Task Pages_of_several_blocks_are_sent_and_sent_again([Capabilities] string capabilities, CancellationToken ct) => await MovePassByPassAsync(await StartPairAsync(Described(capabilities) with
    {
        SourceParameters = XbzrleCache.For(capabilities),
        Convergence = Convergence.HeldFast,
    }, ct), ct);

    // QEMU looks at the dirty pages of a block by words of 64 where its size is a multiple of them, and page by page where it is not.
    [MigrationTest("/migration/memory/blocks/precopy/whole-words")]
    public async Task Pages_of_several_blocks_are_sent_and_sent_again_when_the_blocks_are_multiples_of_64_pages(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { RamNodesKiB = [46 * 1024, 48 * 1024, 56 * 1024], Convergence = Convergence.HeldFast }, ct);
        if (Environment.Accelerator.Name == "tcg" && Quirks.BlocksOfWholeWordsAbort(Environment.Source.Version))
        {
            Release(pair);
            var ended = await Should.ThrowAsync<QemuExitedException>(() => MovePassByPassAsync(pair, ct));
            ended.Name.ShouldBe(pair.Source.Name);
            ended.Status.Signal.ShouldBe(Abort);
            ended.Stderr.ShouldContain(Quirks.BlocksOfWholeWordsAssertion);
            NoteFault(Quirks.BlocksOfWholeWordsAbortShown);
            return;
        }

        await MovePassByPassAsync(pair, ct);
    }

    [MigrationTest("/migration/memory/blocks/file/plain", ""), RequiresArgument("migrate", "channels", "file")]
    [MigrationTest("/migration/memory/blocks/file/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/memory/blocks/file/multifd", "multifd mapped-ram")]
    public async Task Each_block_has_its_place_in_a_file([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Described(capabilities) with { Convergence = Convergence.Allowed }, ct);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/memory/blocks/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/blocks/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public async Task Pages_are_asked_for_from_the_block_that_they_are_of([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(Described(capabilities), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForSentPageDirtiedAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
    }

    // What the destination must give up reaches to the ends of blocks.
    [MigrationTest("/migration/memory/blocks/postcopy/second-pass"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task Pages_that_were_sent_are_given_up_to_the_end_of_each_block(CancellationToken ct)
    {
        var pair = await StartPairAsync(Described("postcopy-ram") with { Convergence = Convergence.HeldFast }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForInfoAsync("each page to be sent once, and many again", info => info.RamDuplicate * 4096 + info.RamNormalBytes > MigrationPair.GuestMemoryBytes + (pair.Program.Settings.RegionSize / 4), ct);
        await migration.StartPostcopyAsync(ct);
        await migration.CompleteAsync(ct);
    }

    private static PairOptions Described(string capabilities) => new() { Capabilities = MigrationCapability.Several(capabilities), RamNodesKiB = NodesKiB };

    private static async Task MovePassByPassAsync(MigrationPair pair, CancellationToken ct)
    {
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(3, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
    }
}
