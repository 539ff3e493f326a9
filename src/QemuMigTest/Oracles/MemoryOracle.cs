using QemuMigTest.Guests;
using QemuMigTest.Migration;

namespace QemuMigTest.Oracles;

/// <summary>Memory outside the guest's region: what is known of it is as it must be where the guest is, what nobody has written to is zero, and after a migration
/// the rest is as it was left on the source. To be applied when the guest has been stopped.</summary>
internal sealed class MemoryOracle : IPairOracle
{
    private const int PageSize = GuestProgramSettings.PageSize;

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

        var state = await pair.Holder.ReadGuestStateAsync(ct);
        var known = pair.MemoryModel.Outside.At(state).ToList();
        // The guest that runs on turns some, and devices may write to others: all of these are known.
        var whole = known.Where(bytes => bytes.Expected.Length == PageSize).Select(bytes => bytes.Page).ToHashSet();
        var settings = pair.Program.Settings;
        var memory = pair.Holder.Memory;
        var damaged = new MemoryCheckBuilder(PageSize);

        // Each range is opened once: QEMU is asked for its place.
        var low = await memory.OpenAsync(0, settings.RegionStart, ct);
        var pages = low.Check(known, damaged);
        if (HasOriginal(pair))
        {
            await CompareAsync(pair, state, low, 0, settings.RegionStart, whole, findings, ct);
        }

        var high = await memory.OpenAsync(settings.RegionEnd, MigrationPair.GuestMemoryBytes - settings.RegionEnd, ct);
        pages += high.Check(known, damaged);
        CheckUntouched(pair, state, high, known, findings);
        if (HasOriginal(pair))
        {
            await CompareAsync(pair, state, high, UntouchedEnd, MigrationPair.GuestMemoryBytes - UntouchedEnd, whole, findings, ct);
            await CompareAsync(pair, state, await memory.OpenAsync(BiosStart, BiosBytes, ct), BiosStart, BiosBytes, whole, findings, ct);
        }

        Report(damaged.Build(state, 0, pages), pair.Holder, "pages outside its region of which all is known", findings);
        return findings;
    }

    // Not where the BIOS has run on the destination, nor where the source's QEMU, or its RAM, is gone.
    private static bool HasOriginal(MigrationPair pair) => pair.Runs is [.., { Outcome: MigrationOutcome.Completed } last]
        && pair.Holder == last.Destination && !pair.GuestRestarted && !pair.Lost.Contains(last.Source) && !last.Source.Process.HasExecutedAnother
        && !pair.Options.Capabilities.Concat(pair.Options.SourceCapabilities).Any(capability => capability.Name == "release-ram");

    private void CheckUntouched(MigrationPair pair, GuestState state, GuestMemoryReader memory, IEnumerable<KnownBytes> known, List<OracleFinding> findings)
    {
        var start = pair.Program.Settings.RegionEnd;
        var touched = known.Select(bytes => bytes.Page).ToHashSet();
        // What the guest notes there when it sleeps.
        if (pair.Options.GuestSuspends)
        {
            touched.Add(start);
        }

        var found = new MemoryCheckBuilder(PageSize);
        var zeros = new byte[PageSize];
        var buffer = new byte[GuestMemory.PieceBytes];
        for (long done = 0; done < UntouchedEnd - start; done += buffer.Length)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, UntouchedEnd - start - done));
            memory.Read(done, piece);
            for (var at = 0; at < piece.Length && piece[at..].ContainsAnyExcept((byte)0); at += PageSize)
            {
                var page = piece.Slice(at, PageSize);
                var address = start + (uint)done + (uint)at;
                if (page.ContainsAnyExcept((byte)0) && !touched.Contains(address))
                {
                    found.Add(PageExaminer.Compare(zeros, page, address) with { LastWritten = "never" });
                }
            }
        }

        Report(found.Build(state, start, (int)((UntouchedEnd - start) / PageSize)), pair.Holder, $"pages from 0x{start:x} that nobody has written to", findings);
    }

    private async Task CompareAsync(MigrationPair pair, GuestState state, GuestMemoryReader seen, ulong start, long length, HashSet<uint> known, List<OracleFinding> findings, CancellationToken ct)
    {
        var source = pair.Runs[^1].Source;
        var expected = await source.Memory.OpenAsync(start, length, ct);
        var found = new MemoryCheckBuilder(PageSize);
        var pieces = (Expected: new byte[GuestMemory.PieceBytes], Seen: new byte[GuestMemory.PieceBytes]);
        for (long done = 0; done < length; done += GuestMemory.PieceBytes)
        {
            var bytes = (int)Math.Min(GuestMemory.PieceBytes, length - done);
            expected.Read(done, pieces.Expected.AsSpan(0, bytes));
            seen.Read((long)(start - seen.Address) + done, pieces.Seen.AsSpan(0, bytes));
            if (!pieces.Seen.AsSpan(0, bytes).SequenceEqual(pieces.Expected.AsSpan(0, bytes)))
            {
                Examine(start + (ulong)done, pieces.Expected.AsSpan(0, bytes), pieces.Seen.AsSpan(0, bytes), expected, known, found, pair.Environment.Accelerator.Name == "kvm");
            }
        }

        Report(found.Build(state, (uint)start, (int)(length / PageSize)), pair.Holder, $"pages from 0x{start:x} that must be as on the {source.Name}", findings);
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
