using System.Globalization;
using System.Text.RegularExpressions;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>After a migration that completed, both sides say the same of CPU and devices, and the guest's clock shows how long it has run since.</summary>
internal sealed partial class MachineOracle : IPairOracle
{
    private const int ConfigurationSize = 256;
    private const ulong MemoryMappedConfiguration = 0xb000_0000;
    private const string MapCommand = "info mtree -f";
    private const int MostRanges = 6;

    // The events' times are taken a moment before or after the clock is started or stopped: 0.4 s on a machine with 15 busy threads.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(2);

    public string Name => "machine";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        if (!pair.HasComparableMachine || pair.GuestSuspended || pair.GuestRestarted || pair.Runs is not [.., { Outcome: MigrationOutcome.Completed } run])
        {
            return findings;
        }

        var (source, destination) = (run.Source, run.Destination);
        if (new[] { source, destination }.Any(side => pair.Lost.Contains(side) || side.Process.HasExecutedAnother || side.Process.Exited.IsCompleted)
            || await EachSide.AskAsync(source, destination, side => side.QueryStatusAsync(ct)) is not ({ Running: false }, { Running: false }))
        {
            return findings;
        }

        if (!pair.Options.HpetStopped)
        {
            CheckTime(run, findings);
        }

        await CompareTexts(source, destination, findings, ct);
        await ComparePciAsync(source, destination, findings, ct);
        var (left, arrived) = await EachSide.ReadAsync(source, destination, MachineProbe.Read, ct);
        Compare(source, destination, left, arrived, findings);
        return findings;
    }

    /// <summary>Whether a line of "info pic" or the like that is read on the destination may follow one of the source: they are the same, but for the PIT, which ticks after 55 ms at most, and then asks for
    /// an interrupt that nobody takes (bit 0 of the first PIC's irr). It stays asked for.</summary>
    internal static bool Follows(string left, string arrived) =>
        left == arrived || FirstPic().Replace(left, irr => $"{int.Parse(irr.ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture) | 1:x2}") == arrived;

    private void CheckTime(MigrationRun run, List<OracleFinding> findings)
    {
        var seen = MachineProbe.ReadTime(run.Destination) - MachineProbe.ReadTime(run.Source);
        var expected = TimeSpan.Zero;
        DateTimeOffset? since = null;
        foreach (var e in run.Destination.Process.Qmp.Events.Snapshot().Skip(run.DestinationEvents))
        {
            if (e.Name == "RESUME")
            {
                since ??= e.Timestamp;
            }
            else if (e.Name == "STOP" && since is { } from)
            {
                expected += e.Timestamp - from;
                since = null;
            }
        }

        if ((seen - expected).Duration() > ClockSlack)
        {
            findings.Add(new(Name, run.Destination.Name, $"its guest has run for {expected.TotalSeconds:0.000} s since the switchover by QEMU's events, and its HPET went on by {seen.TotalSeconds:0.000} s"));
        }
    }

    private async Task CompareTexts(MigrationSide source, MigrationSide destination, List<OracleFinding> findings, CancellationToken ct)
    {
        // Each version of QEMU writes these in its own way.
        if (source.Binary.Version != destination.Binary.Version)
        {
            return;
        }

        foreach (var command in new[] { "info registers -a", "info pic", "info lapic 0" })
        {
            var (left, arrived) = await EachSide.AskAsync(source, destination, async side => Steady(await side.HumanAsync(command, ct)));
            foreach (var (expected, seen) in left.Zip(arrived).Where(lines => !Follows(lines.First, lines.Second)))
            {
                findings.Add(new(Name, destination.Name, $"{command}: expected \"{expected}\" as on the source, seen \"{seen}\""));
            }

            if (left.Count != arrived.Count)
            {
                findings.Add(new(Name, destination.Name, $"{command}: {left.Count} lines on the source, {arrived.Count} here"));
            }
        }

        var (map, mapThere) = await EachSide.AskAsync(source, destination, async side => MemoryMap.Parse(await side.HumanAsync(MapCommand, ct)));
        var (missing, more) = (MemoryMap.Missing(map, mapThere), MemoryMap.Missing(mapThere, map));
        findings.AddRange(missing.Take(MostRanges).Select(range => new OracleFinding(Name, destination.Name, $"{MapCommand}: without \"{range}\", which the source has ({missing.Count} ranges in all)")));
        findings.AddRange(more.Take(MostRanges).Select(range => new OracleFinding(Name, destination.Name, $"{MapCommand}: with \"{range}\", which the source has not ({more.Count} ranges in all)")));
    }

    private async Task ComparePciAsync(MigrationSide source, MigrationSide destination, List<OracleFinding> findings, CancellationToken ct)
    {
        var buses = await source.ExecuteAsync("query-pci", null, ct);
        foreach (var device in buses.EnumerateArray().SelectMany(bus => bus.GetProperty("devices").EnumerateArray()))
        {
            var (bus, slot, function) = (device.GetProperty("bus").GetUInt32(), device.GetProperty("slot").GetUInt32(), device.GetProperty("function").GetUInt32());
            var address = MemoryMappedConfiguration + (((bus << 8) | (slot << 3) | function) << 12);
            var (left, arrived) = await EachSide.ReadAsync(source, destination, side => side.Process.QTest!.Read(address, ConfigurationSize), ct);
            for (var offset = 0; offset < ConfigurationSize; offset++)
            {
                if (left[offset] != arrived[offset])
                {
                    findings.Add(new(Name, destination.Name,
                        $"PCI configuration space of {bus:x2}:{slot:x2}.{function}, offset 0x{offset:x2}: expected 0x{left[offset]:x2} as on the source, seen 0x{arrived[offset]:x2}"));
                }
            }
        }
    }

    private void Compare(MigrationSide source, MigrationSide destination, IReadOnlyDictionary<string, ulong> left, IReadOnlyDictionary<string, ulong> arrived, List<OracleFinding> findings) =>
        findings.AddRange(left.Where(value => arrived[value.Key] != value.Value)
            .Select(value => new OracleFinding(Name, destination.Name, $"{value.Key}: expected 0x{value.Value:x} as on the {source.Name}, seen 0x{arrived[value.Key]:x}")));

    // The guest has gone on: its general registers, its flags and where it is say something else, and so do counters.
    private static List<string> Steady(string text) =>
        [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => !Moving().IsMatch(line))];

    [GeneratedRegex("(?<=^pic0: irr=)[0-9a-f]{2}")]
    private static partial Regex FirstPic();

    [GeneratedRegex(@"^([ER]AX|[ER]SI|[ER]IP|R8 |R12|CCS|Timer|CCO)")]
    private static partial Regex Moving();
}
