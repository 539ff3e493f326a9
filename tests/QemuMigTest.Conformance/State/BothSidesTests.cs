using System.Globalization;
using QemuMigTest.Conformance.Devices;

namespace QemuMigTest.Conformance.State;

/// <summary>While the guest is stopped on both sides its clock stands still, so that all that QEMU tells of it must be the same to the last count.</summary>
public sealed class BothSidesTests : StateFixture
{
    private const ulong Hpet = 0xfed0_0000;
    private const int HpetSize = 0x160;
    private const ulong LocalApic = 0xfee0_0000;
    private const ushort PowerManagement = 0x600;
    private const int PowerManagementSize = 0x80;
    private const ushort Serial = 0x3f8;
    private const byte DivisorLatch = 0x80;

    [MigrationTest("/migration/state/both-sides", 1), MigrationTest("/migration/state/both-sides/smp", 3)]
    public async Task Both_QEMUs_tell_the_same_of_a_stopped_guest(int vcpus, CancellationToken ct)
    {
        var pair = await StartStatePairAsync(vcpus, [], ct);
        await pair.StopSourceAsync(ct);
        var there = await SavedDevices.SaveAsync(pair.Source, pair, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.Destination.Process.WaitForEventAsync(e => MigrationSide.StatusOf(e) == MigrationStatus.Completed, migration.DestinationEvents, "the end of the migration", ct);

        var (source, destination) = (await DescribeAsync(pair.Source, ct), await DescribeAsync(pair.Destination, ct));
        destination.Keys.ShouldBe(source.Keys);
        var sent = SavedDevices.Compare(pair, there, await SavedDevices.SaveAsync(pair.Destination, pair, ct));
        source.SelectMany(seen => Differences(seen.Key, seen.Value, destination[seen.Key])).ShouldBeEmpty("both sides must tell the same of the same guest");

        sent.ShouldBeEmpty("what the destination would send on must be what it has received");

        await migration.CompleteAsync(ct);
    }

    private static IEnumerable<string> Differences(string what, string source, string destination)
    {
        // In which order devices are told of is each QEMU's own.
        var (there, here) = (source.Split("\r\n").Order(StringComparer.Ordinal).ToArray(), destination.Split("\r\n").Order(StringComparer.Ordinal).ToArray());
        return there.Length == here.Length
            ? there.Zip(here).Where(line => line.First != line.Second).Select(line => $"{what}: source {line.First.Trim()}, destination {line.Second.Trim()}")
            : [$"{what}: source {source}, destination {destination}"];
    }

    // Nothing here changes what is read, nor for long.
    private static async Task<Dictionary<string, string>> DescribeAsync(MigrationSide side, CancellationToken ct)
    {
        var seen = new Dictionary<string, string>();
        foreach (var command in new[] { "info registers -a", "info pic", "info lapic 0", "info roms" })
        {
            seen[command] = await side.HumanAsync(command, ct);
        }

        var qtest = side.Process.QTest!;
        for (var offset = 0; offset < HpetSize; offset += 4)
        {
            seen[$"HPET at 0x{offset:x}"] = Hex(qtest.Read(Hpet + (ulong)offset, 4));
        }

        // 11.1 answers 0 to a wider read of the PM1 registers.
        for (var offset = 0; offset < PowerManagementSize; offset += 2)
        {
            seen[$"port 0x{PowerManagement + offset:x}"] = qtest.In16((ushort)(PowerManagement + offset)).ToString("x4", CultureInfo.InvariantCulture);
        }

        // The divisor lies behind the data register; the guest, which would write to that, is stopped.
        var lineControl = qtest.In8(Serial + 3);
        qtest.Out8(Serial + 3, (byte)(lineControl | DivisorLatch));
        seen["divisor of the serial port"] = qtest.In16(Serial).ToString("x4", CultureInfo.InvariantCulture);
        qtest.Out8(Serial + 3, lineControl);
        return seen;
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
