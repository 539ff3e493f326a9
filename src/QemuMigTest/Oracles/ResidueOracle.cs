using QemuMigTest.Migration;
using QemuMigTest.Processes;

namespace QemuMigTest.Oracles;

/// <summary>What a QEMU opened and started for a migration is closed and ended: its descriptors and threads are those of before its first, it shows no address to connect to, and the destination has about as much memory as the source.</summary>
internal sealed class ResidueOracle : IPairOracle
{
    // KiB. Seen on 7.2, 10.0 and 11.1: from 2.8 MiB less than the source's to 24 KiB more. Versions differ in what they need.
    private const long MoreMemory = 1024;
    private const long MoreMemoryOfAnother = 4096;

    // Of a command's limit, 15 s: who finds an address in one test finds it in all.
    private const int Patience = 5;

    // A virtio device that is stopped closes those of its queues (ioeventfd).
    private const string FewerDoorbells = "'anon_inode:[eventfd]' less";

    private static readonly MigrationCapability[] TreatingMemory = [MigrationCapability.PostcopyRam, MigrationCapability.BackgroundSnapshot];

    private static readonly Dictionary<string, string> Treatments = new()
    {
        ["nh"] = "still gets no huge pages",
        ["um"] = "is still registered with a userfaultfd, for missing pages",
        ["uw"] = "is still registered with a userfaultfd, for writes",
        ["ui"] = "is still registered with a userfaultfd, for minor faults",
    };

    public string Name => "residue";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        foreach (var side in pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted && !pair.MayKeep(side)))
        {
            // A destination that was never connected to still listens, as it should.
            var runs = pair.Runs.Where(run => run.Source == side || run.Destination == side).ToList();
            if (runs is not [var first, ..] || runs.Any(run => run.Destination == side && run.Outcome != MigrationOutcome.FailedOver && !HasEndedThere(run))
                || first.ResourcesBefore(side) is not { } before)
            {
                continue;
            }

            var known = pair.KnownResidueOf(side).ToList();
            var left = (await SettleAsync(side, before, known, side != pair.Holder || first.Source == side, pair.Environment.Limits.Command, ct)).ToList();
            foreach (var kind in known.Where(kind => !left.Exists(text => IsOf(text, kind))))
            {
                findings.Add(new(Name, side.Name, $"it is known to leave '{kind}' open, and did not: the fault is mended, and the test need not expect it"));
            }

            left.RemoveAll(text => known.Exists(kind => IsOf(text, kind)));
            findings.AddRange(left.Select(text => new OracleFinding(Name, side.Name, $"{text} than before its first migration")));
        }

        return [.. findings, .. await FindAddressesAsync(pair, ct), .. await CompareMemoryAsync(pair, ct), .. FindLeftOnMemory(pair)];
    }

    // A manager connects where query-migrate says that somebody listens.
    private async Task<IReadOnlyList<OracleFinding>> FindAddressesAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        foreach (var side in pair.QemuSides.Where(side => !side.Process.Exited.IsCompleted && pair.Runs.Any(run => run.Destination == side && HasEndedThere(run))))
        {
            if (await AddressesAsync(pair, side, ct) is { Count: > 0 } left)
            {
                findings.Add(new(Name, side.Name, $"query-migrate says that it listens on {string.Join(", ", left)} (socket-address), and its migration has ended"));
            }
        }

        return findings;
    }

    // One whose first bytes never came leaves the listener as it is: seen on 11.1.
    private static bool HasEndedThere(MigrationRun run) => run.Outcome == MigrationOutcome.Completed
        || run.Outcome is MigrationOutcome.Failed or MigrationOutcome.Cancelled && run.DestinationEnd.SaysFailed
            && run.Destination.Process.Qmp.Events.Skip(run.DestinationEvents).Any(e => MigrationSide.StatusOf(e) == MigrationStatus.Active);

    // They are forgotten a moment after the last status.
    private static async Task<IReadOnlyList<string>> AddressesAsync(MigrationPair pair, MigrationSide side, CancellationToken ct)
    {
        IReadOnlyList<string> left = [];
        try
        {
            await Poll.UntilAsync(side.Name, "no socket-address", async token =>
            {
                left = [.. (await side.QueryMigrateAsync(token)).SocketAddresses.Select(address => address.ToString())];
                return left.Count == 0 ? side : null;
            }, () => string.Join(", ", left), pair.Environment.Limits.Command / Patience, ct);
        }
        catch (WaitTimeoutException)
        {
            // What is left is the finding.
        }

        return left;
    }

    // Postcopy and a snapshot have the kernel treat the guest's RAM otherwise while they last; a guest that gets no huge pages is slow for good.
    private IEnumerable<OracleFinding> FindLeftOnMemory(MigrationPair pair) =>
        pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Intersect(TreatingMemory).Any()
        && pair.Runs is [.., { Outcome: MigrationOutcome.Completed }]
            ? from side in pair.QemuSides
              where !side.Process.Exited.IsCompleted && !pair.MayKeep(side)
              from flag in MemoryUse.FlagsFrom(side.Process.Child.Id, pair.SmallestRamBlock).Intersect(Treatments.Keys)
              select new OracleFinding(Name, side.Name, $"after the migration the guest's RAM {Treatments[flag]} (VmFlags {flag} in /proc/{side.Process.Child.Id}/smaps)")
            : [];

    // The machine is the same, and the source has had its own memory before: what the destination has more came with the migration, or with the BIOS that ran there once more.
    private async Task<IReadOnlyList<OracleFinding>> CompareMemoryAsync(MigrationPair pair, CancellationToken ct)
    {
        if (pair.GuestRestarted || pair.Runs is not [.., { Outcome: MigrationOutcome.Completed } last] || !pair.QemuSides.Contains(last.Source) || pair.MayKeep(last.Destination))
        {
            return [];
        }

        var most = last.Source.Binary.Version == last.Destination.Binary.Version ? MoreMemory : MoreMemoryOfAnother;
        var (source, destination) = ((long?)null, (long?)null);
        try
        {
            // QEMU's RCU thread gives back what was freed, some MiB, once it has nothing else to do: on a busy machine that is late.
            await Poll.UntilAsync(last.Destination.Name, "no more memory than the source has", _ =>
            {
                (source, destination) = (Read(last.Source), Read(last.Destination));
                return Task.FromResult(source is null || destination is null || destination - source <= most ? pair : null);
            }, () => $"{destination} KiB and {source} KiB", pair.Environment.Limits.Command, ct);
            return [];
        }
        catch (WaitTimeoutException)
        {
            return [new(Name, last.Destination.Name, $"it has {destination} KiB of memory of its own, without the guest's RAM and its translated code, and the source {source} KiB")];
        }

        long? Read(MigrationSide side) => MemoryUse.ReadBelow(side.Process.Child.Id, pair.SmallestRamBlock);
    }

    // Threads are joined, and connections closed, a moment after the last status.
    private static async Task<IReadOnlyList<string>> SettleAsync(MigrationSide side, ProcessResources before, List<string> known, bool mayHaveFewerDoorbells, TimeSpan limit, CancellationToken ct)
    {
        IReadOnlyList<string> differences = [];
        try
        {
            await Poll.UntilAsync(side.Name, "the descriptors and threads of before", _ =>
            {
                differences = [.. (ProcessResources.Read(side.Process.Child.Id)?.DifferencesFrom(before) ?? []).Where(text => !mayHaveFewerDoorbells || !text.Contains(FewerDoorbells, StringComparison.Ordinal))];
                return Task.FromResult(differences.All(text => known.Exists(kind => IsOf(text, kind))) ? side : null);
            }, () => string.Join(", ", differences), limit, ct);
        }
        catch (WaitTimeoutException)
        {
            // What is left is the finding.
            return differences;
        }

        return differences;
    }

    private static bool IsOf(string difference, string kind) => difference.Contains($"{kind}' more", StringComparison.Ordinal);
}
