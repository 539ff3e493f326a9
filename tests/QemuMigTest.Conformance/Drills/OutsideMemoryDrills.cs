using QemuMigTest.Guests;

namespace QemuMigTest.Conformance.Drills;

public sealed class OutsideMemoryDrills : DrillFixture
{
    private const int PageSize = GuestProgramSettings.PageSize;
    private const ulong Untouched = 0x700_0000;
    private const ulong Compared = 0x900_0000;
    private const ulong LastOfRam = MigrationPair.GuestMemoryBytes - PageSize;

    [Test, DrillLimit]
    public async Task Damage_outside_the_region_is_found_and_what_it_looks_like_told(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var qtest = pair.Destination.Process.QTest!;
        await pair.Destination.StopAsync(ct);
        qtest.Write(0x500, [(byte)(qtest.ReadByte(0x500) ^ 1)]);
        qtest.Write(GuestProgram.LoadAddress + 0x1d0, [(byte)(qtest.ReadByte(GuestProgram.LoadAddress + 0x1d0) ^ 4)]);
        qtest.Write(Untouched, [0xff, 0xff]);
        qtest.Write(Compared, qtest.Read(LastOfRam, PageSize));
        qtest.Write(LastOfRam, new byte[PageSize]);
        await pair.Destination.ContinueAsync(ct);

        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[memory] destination: 2 of 21 pages outside its region of which all is known are damaged");
        findings.ShouldContain("page 0x7000: 1 bit flipped; 1 byte at offset 0xdd0");
        findings.ShouldContain("last written by the BIOS, when it loaded the guest program");
        findings.ShouldContain($"page 0x{LastOfRam:x}: all zero");
        findings.ShouldContain("last written by the framework before migration 1");
        findings.ShouldContain("pages from 0x0 that must be as on the source are damaged");
        findings.ShouldContain("page 0x0: 1 bit flipped; 1 byte at offset 0x500");
        findings.ShouldContain("that nobody has written to are damaged (2 bytes)");
        findings.ShouldContain($"page 0x{Untouched:x}: other damage; 2 bytes from offset 0x0 to 0x1");
        findings.ShouldContain($"page 0x{Compared:x}: the content of page 0x{LastOfRam:x}; ");
    }

    [Test, DrillLimit]
    public async Task A_page_that_turns_and_is_not_as_a_stopped_guest_left_it_is_found_before_the_guest_turns_it(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        pair.Source.Process.QTest!.Write(TurningPages.Start, [0x21, 0x43, 0x65, 0x87]);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        (await Should.ThrowAsync<QemuMigTestException>(() => migration.CompleteAsync(ct))).Message.ShouldContain("pages of low memory of which all is known are damaged");
    }

    [Test, DrillLimit]
    public async Task Pages_of_noise_and_pages_that_turn_are_found_as_they_were_before_they_were_last_written(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { Convergence = Convergence.Allowed }, ct);
        await (await pair.MigrateAsync(MigrationChannel.Unix, ct)).CompleteAsync(ct);
        var rewritten = pair.Program.Settings.RegionEnd + (2 * PageSize);
        var dirtied = pair.Program.Settings.RegionStart + (13 * PageSize);
        var (before, dirtiedBefore) = (pair.Destination.Process.QTest!.Read(rewritten, PageSize), pair.Destination.Process.QTest!.Read(dirtied + 256, PageSize - 256));
        await pair.HandOnAsync(ct);
        await (await pair.MigrateAsync(MigrationChannel.Unix, ct)).CompleteAsync(ct);

        var qtest = pair.Destination.Process.QTest!;
        await pair.Destination.StopAsync(ct);
        qtest.Write(rewritten, before);
        qtest.Write(dirtied + 256, dirtiedBefore);
        // The guest writes a turning page's first bytes anew after each pass, and no others.
        qtest.Write(TurningPages.Start + 0x800, [1]);
        await pair.Destination.ContinueAsync(ct);

        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain($"page 0x{rewritten:x}: as it was before it was last written");
        findings.ShouldContain($"page 0x{dirtied:x}: as it was before it was last written");
        findings.ShouldContain("and by the framework before migration 2");
        findings.ShouldContain($"page 0x{TurningPages.Start:x}: 1 bit flipped; 1 byte at offset 0x800");
        findings.ShouldContain("last written after the guest's pass");
        findings.ShouldContain("[guest] destination-2: ");
    }

    [Test, DrillLimit]
    public async Task The_first_and_the_last_page_of_the_region_are_looked_at(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var qtest = pair.Destination.Process.QTest!;
        foreach (var address in new[] { pair.Program.Settings.RegionStart + 0xfff, pair.Program.Settings.RegionEnd - 1UL })
        {
            qtest.Write(address, [(byte)(qtest.ReadByte(address) ^ 0x80)]);
        }

        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain($"page 0x{pair.Program.Settings.RegionStart:x}: 1 bit flipped; 1 byte at offset 0xfff");
        findings.ShouldContain($"page 0x{pair.Program.Settings.RegionEnd - PageSize:x}: 1 bit flipped; 1 byte at offset 0xfff");
    }

    [Test, DrillLimit]
    public Task What_is_read_out_of_QEMUs_process_is_what_QEMU_itself_writes(CancellationToken ct) => CompareReadersAsync(GuestRam.Anonymous, [], ct);

    [Test, DrillLimit]
    public Task What_is_read_out_of_a_memfd_is_what_QEMU_itself_writes(CancellationToken ct) => CompareReadersAsync(GuestRam.Memfd, [], ct);

    [Test, DrillLimit]
    public Task What_is_read_out_of_several_nodes_is_what_QEMU_itself_writes(CancellationToken ct) => CompareReadersAsync(GuestRam.Anonymous, [52_000, 49_000, 52_600], ct);

    private async Task CompareReadersAsync(GuestRam ram, IReadOnlyList<int> nodes, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Ram = ram, RamNodesKiB = nodes, Convergence = Convergence.Allowed }, ct);
        await pair.Source.StopAsync(ct);
        using var throughQemu = new GuestMemory(pair.Source.Process, throughQemu: true);
        var length = MigrationPair.GuestMemoryBytes;
        var (one, other) = (await pair.Source.Memory.OpenAsync(0, length, ct), await throughQemu.OpenAsync(0, length, ct));
        var (seen, expected) = (new byte[GuestMemory.PieceBytes], new byte[GuestMemory.PieceBytes]);
        for (long at = 0; at < length; at += GuestMemory.PieceBytes)
        {
            one.Read(at, seen);
            other.Read(at, expected);
            seen.AsSpan().SequenceEqual(expected).ShouldBeTrue($"the piece at 0x{at:x}");
        }

        await pair.Source.ContinueAsync(ct);
    }
}
