using QemuMigTest.Conformance.Devices;

namespace QemuMigTest.Conformance.Drills;

/// <summary>What only QEMU knows of the machine, changed on the destination after a migration that went well.</summary>
public sealed class MachineDrills : DrillFixture
{
    private const ulong Hpet = 0xfed0_0000;

    [Test, DrillLimit]
    public async Task Devices_that_differ_are_found_and_named(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var qtest = pair.Destination.Process.QTest!;
        qtest.Out8(0x70, 0x4c);
        qtest.Out8(0x71, 0);
        qtest.Out8(0xa1, 0x5a);
        qtest.Out8(0x20, 0xc6);
        qtest.Out32(0xcf8, 0x8000_fa3c);
        qtest.Out8(0xcfc, 0x77);
        // Memory at 0xd8000 that is read-only can be written to.
        qtest.Out32(0xcf8, 0x8000_0094);
        qtest.Out8(0xcfc, 0x33);
        qtest.Out8(0x43, 0xb8);
        qtest.Out8(0x0a, 1);
        qtest.Out32(0x630, qtest.In32(0x630) ^ 8);
        var findings = await FindingsAsync(pair, ct);
        findings.ShouldContain("[machine] destination: info mtree -f: with \"cpu-memory-0, root: system: 00000000000d8000-00000000000dffff (prio 0, ram): pc.ram @00000000000d8000\", which the source has not");
        findings.ShouldContain("[machine] destination: CMOS RAM at 0x4c: expected");
        findings.ShouldContain("[machine] destination: second PIC, mask: expected");
        findings.ShouldContain("[machine] destination: PCI configuration space of 00:1f.2, offset 0x3c: expected");
        findings.ShouldContain("[machine] destination: PIT counter 2, mode: expected");
        findings.ShouldContain("[machine] destination: DMA, mask: expected");
        findings.ShouldContain("[machine] destination: PM, SMI enable: expected");
        findings.ShouldContain("[machine] destination: info pic: expected \"pic0:");
        findings.ShouldContain("hprio=7");
        findings.ShouldContain("[machine] destination: info pic: expected \"pic1:");
    }

    [Test, DrillLimit]
    public async Task A_device_that_would_be_sent_on_as_another_is_found_and_named(CancellationToken ct)
    {
        var pair = await StartVictimAsync(new() { Convergence = Convergence.Allowed }, ct);
        await pair.StopSourceAsync(ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);
        var source = await SavedDevices.SaveAsync(pair.Source, pair, ct);
        source.Count.ShouldBeGreaterThan(20);
        SavedDevices.Compare(pair, source, await SavedDevices.SaveAsync(pair.Destination, pair, ct)).ShouldBeEmpty();
        pair.Destination.Process.QTest!.Out8(0x3ff, 0x5a);
        SavedDevices.Compare(pair, source, await SavedDevices.SaveAsync(pair.Destination, pair, ct)).ShouldHaveSingleItem().ShouldMatch("^serial 0, byte 0x[0-9a-f]+: source 0x[0-9a-f]+, destination 0x5a$");
    }

    [Test, DrillLimit]
    public async Task A_guest_s_clock_that_leaps_is_found(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        var qtest = pair.Destination.Process.QTest!;
        qtest.Write(Hpet + 0x10, [0, 0, 0, 0]);
        qtest.Write(Hpet + 0xf4, [2, 0, 0, 0]);
        qtest.Write(Hpet + 0x10, [1, 0, 0, 0]);
        (await FindingsAsync(pair, ct)).ShouldContain("[machine] destination: its guest has run for");
    }

    [Test, DrillLimit]
    public async Task A_pair_whose_devices_agree_passes(CancellationToken ct)
    {
        var pair = await StartMigratedVictimAsync(ct);
        await new Oracles.PairVerifier().VerifyAndEndAsync(pair, ct);
    }
}
