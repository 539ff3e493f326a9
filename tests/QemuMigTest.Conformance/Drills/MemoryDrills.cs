using QemuMigTest.Guests;

namespace QemuMigTest.Conformance.Drills;

public sealed class MemoryDrills : DrillFixture
{
    private const int PageSize = GuestProgramSettings.PageSize;
    private const int BehindTheCounters = 0x900;

    [Test, DrillLimit]
    public async Task A_byte_that_differs_on_the_destination_is_found_and_its_address_told(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var page = PageOf(pair, 1000);
        Change(pair, page + BehindTheCounters);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[guest] destination: 1 of");
        findings.ShouldContain($"page 0x{page:x}");
        findings.ShouldContain($"1 byte at offset 0x{BehindTheCounters:x}");
    }

    [Test, DrillLimit]
    public async Task A_counter_that_differs_on_the_destination_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await pair.Destination.StopAsync(ct);
        var page = PageOf(pair, 2000);
        Change(pair, page + 0x80);
        await pair.Destination.ContinueAsync(ct);
        (await FindingsAsync(pair, ct)).ShouldContain($"[guest] destination: 1 of");
    }

    [Test, DrillLimit]
    public async Task Pages_that_were_swapped_or_zeroed_on_the_destination_are_told_apart(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var (first, second, zeroed) = (PageOf(pair, 100), PageOf(pair, 101), PageOf(pair, 5000));
        var qtest = pair.Destination.Process.QTest!;
        await pair.Destination.StopAsync(ct);
        var (one, other) = (qtest.Read(first, PageSize), qtest.Read(second, PageSize));
        qtest.Write(first, other);
        qtest.Write(second, one);
        qtest.Write(zeroed, new byte[PageSize]);
        await pair.Destination.ContinueAsync(ct);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[guest] destination: 3 of");
        findings.ShouldContain($"page 0x{first:x}: stamps of page 0x{second:x}");
        findings.ShouldContain($"page 0x{second:x}: stamps of page 0x{first:x}");
        findings.ShouldContain($"page 0x{zeroed:x}");
    }

    private static ulong PageOf(MigrationPair pair, uint number) => pair.Program.Settings.RegionStart + (number * pair.Program.Settings.PageStride);

    private static void Change(MigrationPair pair, ulong address)
    {
        var qtest = pair.Destination.Process.QTest!;
        qtest.Write(address, [(byte)(qtest.ReadByte(address) ^ 0x40)]);
    }
}
