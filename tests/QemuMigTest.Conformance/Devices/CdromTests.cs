using System.Text.Json;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;
using QemuMigTest.Qmp;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Drives for discs whose trays the guest has moved and locked, and that have news which it has not heard yet.</summary>
[RequiresDevice("ide-cd")]
public sealed class CdromTests : MigrationFixture
{
    // Each on the port of its number.
    private const int Locked = 1;
    private const int OpenLocked = 2;
    private const int Open = 3;
    private const int Changed = 4;

    private const byte Eject = 2;
    private const int Good = 0;
    private const int NotReady = 2;
    private const int UnitAttention = 6;
    private const byte NoMedium = 0x3a;
    private const byte MediumChanged = 0x28;
    private const byte EjectWanted = 1;
    private const byte NewMedium = 2;
    private static readonly byte[] TestUnitReady = [0];
    private static readonly byte[] OpenTray = [0x1b, 0, 0, 0, Eject];

    [MigrationTest("/migration/devices/cdrom"), RequiresQ35("an AHCI controller at 00:1f.2", "it has no ports for so many drives")]
    public async Task Trays_are_as_the_guest_has_left_them_and_it_hears_what_it_has_not_heard(CancellationToken ct)
    {
        int[] drives = [Locked, OpenLocked, Open, Changed];
        var arguments = new QemuCommandLine().With(drives.SelectMany(drive => (string[])
        [
            "-blockdev", $"driver=null-co,node-name=disc{drive},size=1048576,read-zeroes=on,read-only=on",
            "-device", $"ide-cd,id=cd{drive},drive=disc{drive},bus=ide.{drive}",
        ]));
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var cd = drives.ToDictionary(drive => drive, drive => new AhciDisk(pair, drive));
        cd[Locked].IsThere.ShouldBeTrue($"the AHCI controller at 00:1f.2, class 0x{cd[Locked].Class:x6}");
        const string Before = "before the migration", After = "after the migration";
        foreach (var drive in drives)
        {
            cd[drive].Start();
        }

        await DoAsync(Locked, Lock(true));
        await RefuseToOpenAsync(pair.Source, Before, ct);
        await DoAsync(OpenLocked, OpenTray);
        await DoAsync(OpenLocked, Lock(true));
        await DoAsync(Open, OpenTray);
        (await cd[Open].SendPacketAsync(TestUnitReady, Before, ct)).ShouldBe(NotReady, "the sense key of a drive whose tray is open");
        foreach (var command in new[] { "blockdev-open-tray", "blockdev-close-tray" })
        {
            await pair.Source.ExecuteAsync(command, new() { ["id"] = $"cd{Changed}" }, ct);
        }

        // First it is said to be gone, and then that there may be another.
        (await cd[Changed].SendPacketAsync(TestUnitReady, Before, ct)).ShouldBe(NotReady, "the sense key of a drive whose tray was opened and closed");
        string[] trays = ["cd1: closed, locked", "cd2: open, locked", "cd3: open, not locked", "cd4: closed, not locked"];
        (await TraysAsync(pair.Source, ct)).ShouldBe(trays, "query-block of the source");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        (await TraysAsync(pair.Destination, ct)).ShouldBe(trays, "the trays as the guest has left them: query-block of the destination");
        (await EventAsync(Locked)).ShouldBe(EjectWanted, "what the drive should tell the guest, which has locked the tray: that it was to be opened before the migration");
        await RefuseToOpenAsync(pair.Destination, After, ct);
        (await SenseAsync(Open)).ShouldBe((NotReady, NoMedium), "the sense of the command that failed before the migration, of the drive whose tray is open");
        (await EventAsync(Changed)).ShouldBe(NewMedium, "what the drive should tell the guest: that its tray was opened and closed before the migration");
        (await cd[Changed].SendPacketAsync(TestUnitReady, After, ct)).ShouldBe(UnitAttention, "the sense key of a drive whose medium may be another one, of which the guest had not heard before the migration");
        (await SenseAsync(Changed)).ShouldBe((UnitAttention, MediumChanged), "the sense of that");
        await DoAsync(Changed, TestUnitReady);
        await DoAsync(Locked, Lock(false));
        await DoAsync(OpenLocked, [0x1b, 0, 0, 0, Eject | 1]);
        (await TraysAsync(pair.Destination, ct)).ShouldBe(["cd1: closed, not locked", "cd2: closed, locked", .. trays[2..]], "query-block of the destination, whose guest has unlocked a tray and closed another");

        async Task DoAsync(int drive, byte[] packet)
        {
            var when = pair.Holder == pair.Source ? Before : After;
            (await cd[drive].SendPacketAsync(packet, when, ct)).ShouldBe(Good, $"cd{drive}, {when}: the sense key of packet command 0x{packet[0]:x}");
        }

        // Polled, of its medium.
        async Task<byte> EventAsync(int drive) => (byte)((await cd[drive].AskByPacketAsync(new byte[] { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 }, DevicePages.Low, 8, After, ct))[4] & 0xf);

        async Task<(int Key, byte Code)> SenseAsync(int drive)
        {
            const int Length = 18;
            var sense = await cd[drive].AskByPacketAsync(new byte[] { 3, 0, 0, 0, Length }, DevicePages.Low, Length, After, ct);
            return (sense[2] & 0xf, sense[12]);
        }
    }

    private static byte[] Lock(bool on) => [0x1e, 0, 0, 0, (byte)(on ? 1 : 0)];

    private static async Task RefuseToOpenAsync(MigrationSide side, string when, CancellationToken ct)
    {
        var refusal = await Should.ThrowAsync<QmpCommandException>(() => side.ExecuteAsync("eject", new() { ["id"] = $"cd{Locked}" }, ct),
            $"{side.Name}, {when}: eject of a tray that the guest has locked should be refused");
        refusal.Description.ShouldContain("is locked");
    }

    private static async Task<IReadOnlyList<string>> TraysAsync(MigrationSide side, CancellationToken ct) =>
        [.. (await side.ExecuteAsync("query-block", null, ct)).EnumerateArray().Where(block => block.TryGetProperty("tray_open", out _)).Select(Describe).Order(StringComparer.Ordinal)];

    private static string Describe(JsonElement block) =>
        $"{block.GetProperty("qdev").GetString()!.Split('/')[^1]}: {(block.GetProperty("tray_open").GetBoolean() ? "open" : "closed")}, {(block.GetProperty("locked").GetBoolean() ? "locked" : "not locked")}";
}
