using System.Globalization;
using System.Text.RegularExpressions;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.State;

/// <summary>A vCPU that waits for an interrupt (HLT) waits on.</summary>
public sealed partial class HaltedTests : MigrationFixture
{
    private const ulong HpetCounter = 0xfed0_00f0;
    private const ulong HpetMillisecond = 100_000;

    // cli; hlt; and should it go on, it turns in a circle: jmp $
    internal static readonly byte[] WaitForEver = [0xfa, 0xf4, 0xeb, 0xfe];

    [MigrationTest("/migration/state/halted")]
    public async Task A_vCPU_that_is_halted_stays_so(CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB }, ct);
        // Its guest does not go on, and what is compared of it would not be what it wrote.
        Release(pair);
        await pair.StopSourceAsync(ct);
        var (at, _) = await ReadAsync(pair.Source, ct);
        pair.Source.Process.QTest!.Write(at, WaitForEver);
        await pair.Source.ContinueAsync(ct);
        var halted = (Ip: at + 2, Halted: true);
        (ulong Ip, bool Halted) seen = default;
        await Poll.UntilAsync(pair.Source.Name, "its vCPU to wait for an interrupt", async token => (seen = await ReadAsync(pair.Source, token)) == halted ? pair : null,
            () => $"{seen}", pair.Environment.Limits.Step, ct);

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await pair.Source.WaitForStatusAsync(MigrationStatus.Completed, ct: ct);
        var destination = migration.Destination;
        await destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct);
        var arrived = Counter(destination);
        await Poll.UntilAsync(destination.Name, "the guest's clock to go on for 50 ms", _ => Task.FromResult(Counter(destination) > arrived + (50 * HpetMillisecond) ? pair : null),
            destination.Process.LastSeen, pair.Environment.Limits.Step, ct);
        (await ReadAsync(destination, ct)).ShouldBe(halted, "the vCPU's place and whether it waits for an interrupt, when the guest has run for 50 ms on the destination; interrupts are off");
    }

    private static ulong Counter(MigrationSide side) => side.Process.QTest!.ReadUInt64(HpetCounter);

    private static async Task<(ulong Ip, bool Halted)> ReadAsync(MigrationSide side, CancellationToken ct)
    {
        var registers = await side.HumanAsync("info registers", ct);
        return (ulong.Parse(InstructionPointer().Match(registers).Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture), registers.Contains("HLT=1", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"[ER]IP=([0-9a-f]+)")]
    private static partial Regex InstructionPointer();
}
