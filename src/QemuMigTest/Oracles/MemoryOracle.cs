using QemuMigTest.Guests;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Memory outside the guest's region: what is known of it is as it must be where the guest is, what nobody has written to is zero, and after a migration
/// the rest is as it was left on the source. To be applied when the guest has been stopped.</summary>
internal sealed class MemoryOracle : IPairOracle
{
    private const int PageSize = GuestProgramSettings.PageSize;
    private const long LowEnd = 0xa_0000;

    // Neither the BIOS, which has the end of RAM (with q35 from 16 MiB before it on), nor anybody else uses memory from the region's end to here.
    private const long UntouchedEnd = 0x800_0000;
    private const ulong BiosStart = 0xfffc_0000;
    private const long BiosBytes = 0x4_0000;

    public string Name => "memory";

    public async Task<IReadOnlyList<OracleFinding>> CheckAsync(MigrationPair pair, CancellationToken ct)
    {
        var findings = new List<OracleFinding>();
        // The state guest sums up its memory by itself.
        if (pair.GuestSuspended || pair.StateProgram is not null)
        {
            return findings;
        }

        await CheckKnownAsync(pair, findings, ct);
        await CheckUntouchedAsync(pair, findings, ct);
        if (HasOriginal(pair))
        {
            // The guest that runs on turns some, and devices may write to others: all of these are known.
            var known = pair.MemoryModel.Outside.At(await pair.Holder.ReadGuestStateAsync(ct)).Where(bytes => bytes.Expected.Length == PageSize).Select(bytes => bytes.Page).ToHashSet();
            await CompareAsync(pair, 0, pair.Program.Settings.RegionStart, known, findings, ct);
            await CompareAsync(pair, UntouchedEnd, MigrationPair.GuestMemoryBytes - UntouchedEnd, known, findings, ct);
            await CompareAsync(pair, BiosStart, BiosBytes, known, findings, ct);
        }

        return findings;
    }

    // Not where the BIOS has run on the destination, nor where the source's QEMU, or its RAM, is gone.
    private static bool HasOriginal(MigrationPair pair) => pair.Runs is [.., { Outcome: MigrationOutcome.Completed } last]
        && pair.Holder == last.Destination && !pair.GuestRestarted && !pair.Lost.Contains(last.Source) && !last.Source.Process.HasExecutedAnother
        && !pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Any(capability => capability.Name == "release-ram");

    private async Task CheckKnownAsync(MigrationPair pair, List<OracleFinding> findings, CancellationToken ct)
    {
        var state = await pair.Holder.ReadGuestStateAsync(ct);
        var found = new MemoryCheckBuilder(PageSize);
        var pages = 0;
        var seen = new byte[PageSize];
        var known = pair.MemoryModel.Outside.At(state).ToList();
        // By ranges: QEMU is asked once for the address of each.
        foreach (var (start, end) in new[] { (0L, LowEnd), (pair.Program.Settings.RegionEnd, MigrationPair.GuestMemoryBytes) })
        {
            var memory = await pair.Holder.Memory.OpenAsync((ulong)start, end - start, ct);
            foreach (var bytes in known.Where(bytes => bytes.Page >= start && bytes.Page < end))
            {
                var part = seen.AsSpan(0, bytes.Expected.Length);
                memory.Read(bytes.Page + bytes.Offset - start, part);
                pages++;
                if (bytes.Examine(part) is { } damage)
                {
                    found.Add(damage);
                }
            }
        }

        Report(found.Build(state, 0, pages), pair.Holder, "pages outside its region of which all is known", findings);
    }

    private async Task CheckUntouchedAsync(MigrationPair pair, List<OracleFinding> findings, CancellationToken ct)
    {
        var state = await pair.Holder.ReadGuestStateAsync(ct);
        var start = pair.Program.Settings.RegionEnd;
        var known = pair.MemoryModel.Outside.At(state).Select(bytes => bytes.Page).ToHashSet();
        // What the guest notes there when it sleeps.
        if (pair.Options.GuestSuspends)
        {
            known.Add(start);
        }

        var found = new MemoryCheckBuilder(PageSize);
        await pair.Holder.Memory.ReadAsync(start, UntouchedEnd - start, (address, piece) =>
        {
            Span<byte> zeros = stackalloc byte[PageSize];
            zeros.Clear();
            for (var at = 0; at < piece.Length && piece[at..].ContainsAnyExcept((byte)0); at += PageSize)
            {
                var page = piece.Slice(at, PageSize);
                if (page.ContainsAnyExcept((byte)0) && !known.Contains((uint)address + (uint)at))
                {
                    found.Add(PageExaminer.Compare(zeros, page, (uint)address + (uint)at) with { LastWritten = "never" });
                }
            }
        }, ct);
        Report(found.Build(state, start, (int)((UntouchedEnd - start) / PageSize)), pair.Holder, $"pages from 0x{start:x} that nobody has written to", findings);
    }

    private async Task CompareAsync(MigrationPair pair, ulong start, long length, HashSet<uint> known, List<OracleFinding> findings, CancellationToken ct)
    {
        var source = pair.Runs[^1].Source;
        var expected = await source.Memory.OpenAsync(start, length, ct);
        var seen = await pair.Holder.Memory.OpenAsync(start, length, ct);
        var found = new MemoryCheckBuilder(PageSize);
        var pieces = (Expected: new byte[GuestMemory.PieceBytes], Seen: new byte[GuestMemory.PieceBytes]);
        for (long done = 0; done < length; done += GuestMemory.PieceBytes)
        {
            var bytes = (int)Math.Min(GuestMemory.PieceBytes, length - done);
            expected.Read(done, pieces.Expected.AsSpan(0, bytes));
            seen.Read(done, pieces.Seen.AsSpan(0, bytes));
            if (!pieces.Seen.AsSpan(0, bytes).SequenceEqual(pieces.Expected.AsSpan(0, bytes)))
            {
                Examine(start + (ulong)done, pieces.Expected.AsSpan(0, bytes), pieces.Seen.AsSpan(0, bytes), expected, known, found, pair.Environment.Accelerator.Name == "kvm");
            }
        }

        Report(found.Build(await pair.Holder.ReadGuestStateAsync(ct), (uint)start, (int)(length / PageSize)), pair.Holder, $"pages from 0x{start:x} that must be as on the {source.Name}", findings);
    }

    private static void Examine(ulong start, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> seen, GuestMemoryReader source, HashSet<uint> known, MemoryCheckBuilder found, bool underKvm)
    {
        for (var at = 0; at < expected.Length; at += PageSize)
        {
            var wanted = expected.Slice(at, PageSize);
            var page = seen.Slice(at, PageSize);
            var address = (uint)start + (uint)at;
            if (wanted.SequenceEqual(page) || known.Contains(address) || (underKvm && PvClock.IsAllThatDiffers(wanted, page)))
            {
                continue;
            }

            var damage = PageExaminer.Compare(wanted, page, address) with { LastWritten = "before the switchover" };
            found.Add(!page.ContainsAnyExcept((byte)0) ? damage with { Kind = DamageKind.Zeros }
                : damage.Kind == DamageKind.Other && FindContent(source, page) is { } other ? damage with { Kind = DamageKind.OtherContent, OtherAddress = other }
                : damage);
        }
    }

    private static uint? FindContent(GuestMemoryReader source, ReadOnlySpan<byte> content)
    {
        var page = new byte[PageSize];
        for (long offset = 0; offset < source.Length; offset += PageSize)
        {
            source.Read(offset, page);
            if (content.SequenceEqual(page))
            {
                return (uint)source.Address + (uint)offset;
            }
        }

        return null;
    }

    private void Report(MemoryCheck check, MigrationSide side, string what, List<OracleFinding> findings)
    {
        if (!check.IsIntact)
        {
            findings.Add(new(Name, side.Name, check.Describe(what)));
        }
    }
}
