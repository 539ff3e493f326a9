namespace QemuMigTest.Conformance.Memory;

/// <summary>Pages that were zero in a precopy's passes, and that nobody has written to, are there when they are looked at in postcopy: nobody sends them any more, and a page that is missing holds up who reads it.</summary>
[RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
public sealed class ZeroPageTests : MigrationFixture
{
    private const ulong First = 104UL << 20;
    private const int Size = 4 << 20;
    private const uint Behind = 112U << 20;
    private const int Piece = 16 << 10;

    [MigrationTest("/migration/memory/zero/postcopy/plain", "postcopy-ram")]
    [MigrationTest("/migration/memory/zero/postcopy/preempt", "postcopy-ram postcopy-preempt")]
    public Task They_are_there([Capabilities] string capabilities, CancellationToken ct) => LookAsync(capabilities, ct);

    [MigrationTest("/migration/memory/zero/postcopy/multifd", "postcopy-ram multifd"), RequiresVersion(10, 1, "multifd with postcopy-ram")]
    public Task They_are_there_when_channels_have_brought_them([Capabilities] string capabilities, CancellationToken ct) => LookAsync(capabilities, ct);

    private async Task LookAsync(string capabilities, CancellationToken ct)
    {
        var pair = await StartPairAsync(new() { Capabilities = MigrationCapability.Several(capabilities), Convergence = Convergence.HeldFast, RegionMiB = PairOptions.HeldFastRegionMiB }, ct);
        var last = new DevicePages(pair).Fill(Behind, "before the migration");
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        // Not the second pass: from 11.0 on it begins before all of RAM has been sent.
        await migration.WaitForInfoAsync("the page behind them to be on the destination", _ => pair.Destination.Process.QTest!.Read(Behind, last.Length).AsSpan().SequenceEqual(last), ct);
        await migration.StartPostcopyAsync(ct);
        // What is read in one piece QEMU's allocator may keep.
        for (var at = First; at < First + Size; at += Piece)
        {
            pair.Destination.Process.QTest!.Read(at, Piece).AsSpan().ContainsAnyExcept((byte)0).ShouldBeFalse($"whether the {Piece} bytes from 0x{at:x} on, to which nobody has written, are not zero");
        }

        await migration.CompleteAsync(ct);
    }
}
