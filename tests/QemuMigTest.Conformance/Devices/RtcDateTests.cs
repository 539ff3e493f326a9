using System.Globalization;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>An RTC that its guest has set to a date which is not the host's: a new QEMU's begins with that.</summary>
public sealed class RtcDateTests : MigrationFixture
{
    private const byte Control = 0x0b;
    private const byte Held = 0x80;
    private const byte Century = 0x32;

    // Registers, and what they are set to, by two decimal digits each.
    private static readonly (byte Register, string Format)[] Parts = [(0, "ss"), (2, "mm"), (4, "HH"), (7, "dd"), (8, "MM"), (9, "yy")];
    private static readonly DateTimeOffset Date = new(2031, 3, 14, 15, 9, 26, TimeSpan.Zero);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    [MigrationTest("/migration/devices/rtc-date")]
    public async Task A_date_that_the_guest_has_set_is_the_date_on_the_destination(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        var since = TimeProvider.System.GetTimestamp();
        Set(pair.Source.Process.QTest!);
        await CheckAsync(pair.Source, since, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        await CheckAsync(pair.Destination, since, ct);
    }

    private static void Set(QTestClient qtest)
    {
        var control = Cmos.Read(qtest, Control);
        Cmos.Write(qtest, Control, (byte)(control | Held));
        foreach (var (register, format) in Parts)
        {
            Cmos.Write(qtest, register, Digits(Date.ToString(format, CultureInfo.InvariantCulture)));
        }

        Cmos.Write(qtest, Century, Digits("20"));
        Cmos.Write(qtest, Control, control);
    }

    private static byte Digits(string two) => byte.Parse(two, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static async Task CheckAsync(MigrationSide side, long since, CancellationToken ct)
    {
        var seen = RtcTime.Of(await side.ExecuteAsync("qom-get", new() { ["path"] = "/machine", ["property"] = "rtc-time" }, ct));
        seen.ShouldBeInRange(Date - Slack, Date + TimeProvider.System.GetElapsedTime(since) + Slack, $"{side.Name}: what the RTC says (rtc-time), which was set to {Date:u}");
    }
}
