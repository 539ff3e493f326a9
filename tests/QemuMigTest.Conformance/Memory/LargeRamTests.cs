using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>RAM of more than 4 GiB, as nearly every guest in use has: where a page is takes more than 32 bits, on the wire, in a file, in the list of dirty pages, in a page that is asked for.
/// Nearly all of it is zero, and takes no memory of the host's.</summary>
public sealed class LargeRamTests : MigrationFixture
{
    private const int PageSize = 4096;
    private const long SlowestPostcopy = 4096;
    private const ulong Size = (4ul << 30) + (512ul << 20);

    // What is beyond this place of the block is at 4 GiB and above in the guest.
    private const ulong Below4GiB = 2ul << 30;

    // By their place in the block. Of each row two are the same in 32 bits, and one is negative in them. A page of the first row is written once; those of the second again and again,
    // each time to the same content: one that is taken for another would look as if it had been sent.
    private static readonly ulong[] Written = [DevicePages.Low, 0x8000_0000 + DevicePages.Low, 0x1_0000_0000 + DevicePages.Low, Size - PageSize];
    private static readonly ulong[] WrittenAgain = [.. Written[..3].Select(place => place + PageSize)];

    [MigrationTest("/migration/memory/large/precopy/plain", "")]
    [MigrationTest("/migration/memory/large/precopy/xbzrle", "xbzrle")]
    [MigrationTest("/migration/memory/large/precopy/multifd", "multifd")]
    public async Task Pages_beyond_4_GiB_are_sent_and_sent_again([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(WithLargeRam(capabilities) with
        {
            SourceParameters = XbzrleCache.For(capabilities),
            Convergence = Convergence.HeldFast,
        }, ct);
        var pages = new Dictionary<ulong, byte[]>();
        WriteAll(pair, pages);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        WriteAgain(pair, pages, "in pass 2");
        await migration.WaitForPassAsync(3, ct);
        WriteAgain(pair, pages, "in pass 3");
        await migration.AllowConvergenceAsync(ct);
        await migration.CompleteAsync(ct);
        ShouldBeThere(pair.Destination, pages);
    }

    [MigrationTest("/migration/memory/large/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/large/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    [RequiresUserfaultfd]
    public async Task Pages_beyond_4_GiB_are_thrown_away_by_the_destination_and_asked_for([Capabilities] string capabilities, CancellationToken ct)
    {
        var options = WithLargeRam(capabilities);
        // A guest that runs would ask for its own pages, and with preempt each of its requests lets others by.
        var pair = await StartPairAsync(options with
        {
            SourceParameters = new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy },
            DestinationArguments = options.DestinationArguments.With("-S"),
            Convergence = Convergence.HeldFast,
        }, ct);
        var pages = new Dictionary<ulong, byte[]>();
        WriteAll(pair, pages);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForInfoAsync("the last page of RAM to be on the destination", _ => Read(pair.Destination, Written[^1]).AsSpan().SequenceEqual(pages[Written[^1]]), ct);
        WriteAgain(pair, pages, "in pass 1");
        await migration.Source.ExecuteAsync("migrate-start-postcopy", null, ct);
        await pair.Destination.WaitForStatusAsync(MigrationStatus.PostcopyActive, ct: ct);
        // From the end on: what is sent in its turn goes on behind the page that was asked for last, and between the page beyond 4 GiB and that which is the same in 32 bits lies the guest's region.
        ShouldBeThere(pair.Destination, pages.Reverse());
        await migration.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await pair.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "migration status completed", ct);
        await pair.Destination.ContinueAsync(ct);
        await migration.CompleteAsync(ct);
    }

    [MigrationTest("/migration/memory/large/file/plain", ""), RequiresArgument("migrate", "channels", "file")]
    [MigrationTest("/migration/memory/large/file/mapped-ram", "mapped-ram")]
    [MigrationTest("/migration/memory/large/file/multifd", "multifd mapped-ram")]
    public async Task Pages_beyond_4_GiB_have_their_place_in_a_file([Capabilities] string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(WithLargeRam(capabilities) with { Convergence = Convergence.Allowed }, ct);
        var pages = new Dictionary<ulong, byte[]>();
        WriteAll(pair, pages);
        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
        ShouldBeThere(pair.Destination, pages);
    }

    private static PairOptions WithLargeRam(string capabilities)
    {
        var arguments = new QemuCommandLine()
            .With("-m", string.Create(CultureInfo.InvariantCulture, $"{Size >> 20}M"))
            // Without reserve=off a host with less memory may refuse it.
            .With("-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-ram,id=large,size={Size >> 20}M,reserve=off"))
            .With("-machine", string.Create(CultureInfo.InvariantCulture, $"memory-backend=large,max-ram-below-4g={Below4GiB}"));
        return new() { Capabilities = MigrationCapability.Several(capabilities), RegionMiB = PairOptions.HeldFastRegionMiB, SourceArguments = arguments, DestinationArguments = arguments };
    }

    private static void WriteAll(MigrationPair pair, Dictionary<ulong, byte[]> pages)
    {
        foreach (var place in Written)
        {
            Write(pair, pages, place, RandomNumberGenerator.GetBytes(PageSize), "before the migration");
        }

        WriteAgain(pair, pages, "before the migration");
    }

    private static void WriteAgain(MigrationPair pair, Dictionary<ulong, byte[]> pages, string when)
    {
        var content = RandomNumberGenerator.GetBytes(PageSize);
        foreach (var place in WrittenAgain)
        {
            Write(pair, pages, place, content, when);
        }
    }

    private static void Write(MigrationPair pair, Dictionary<ulong, byte[]> pages, ulong place, byte[] content, string when)
    {
        pages[place] = content;
        pair.Source.Process.QTest!.Write(AddressOf(place), content);
        if (place < MigrationPair.GuestMemoryBytes)
        {
            pair.Expect((uint)place, content, $"by a device, {when}");
        }
    }

    private static void ShouldBeThere(MigrationSide side, IEnumerable<KeyValuePair<ulong, byte[]>> pages)
    {
        foreach (var (place, content) in pages)
        {
            var seen = Should.NotThrow(() => Read(side, place), $"{side.Name}: the page at 0x{AddressOf(place):x} must be there, or come when it is read");
            if (!seen.AsSpan().SequenceEqual(content))
            {
                Assert.Fail($"{side.Name}: the page at 0x{AddressOf(place):x}, 0x{place:x} in its block of RAM, {Describe(seen, content, pages)}");
            }
        }
    }

    private static string Describe(byte[] seen, byte[] expected, IEnumerable<KeyValuePair<ulong, byte[]>> pages)
    {
        if (!seen.AsSpan().ContainsAnyExcept((byte)0))
        {
            return "is zero";
        }

        return pages.FirstOrDefault(page => page.Value.AsSpan().SequenceEqual(seen)) is { Value: not null } other
            ? $"has what belongs to 0x{other.Key:x}"
            : $"differs in {seen.Zip(expected).Count(pair => pair.First != pair.Second)} bytes from what was written last";
    }

    private static byte[] Read(MigrationSide side, ulong place) => side.Process.QTest!.Read(AddressOf(place), PageSize);

    private static ulong AddressOf(ulong place) => place < Below4GiB ? place : place - Below4GiB + (4ul << 30);
}
