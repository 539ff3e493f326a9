using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Memory;

/// <summary>What a guest writes to a VGA's memory by its windows goes through the VGA, which itself says what has changed: what was sent is sent again.</summary>
[RequiresDevice("VGA")]
public sealed class VgaWriteTests : MigrationFixture
{
    private static readonly QemuCommandLine Arguments = new QemuCommandLine().With("-device", $"VGA,addr={VirtioDevice.Slot}");

    private static PairOptions Options => new()
    {
        SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
        Convergence = Convergence.HeldFast,
        RegionMiB = PairOptions.SmallRegionMiB,
        SourceArguments = Arguments,
        DestinationArguments = Arguments,
    };

    [MigrationTest("/migration/memory/device-writes/vga"), RequiresCapability("pause-before-switchover")]
    public async Task What_is_drawn_after_the_screen_was_sent_is_on_the_screen(CancellationToken ct)
    {
        const int LastText = 0x7800;
        var (pair, vga, migration) = await StartAsync(ct);
        // Each in a page of its own, none of which is at a quarter, or at the fourfold, of another's place: some ways count by the byte, and others by the four planes.
        vga.WritePlanes(0x5400, 0xf);
        vga.WritePlanes(0xc400, 0x6);
        vga.CopyPlanes(0x5440, 0x6400);
        vga.WriteColours(0x7400);
        vga.WriteThroughMask(0x8400, 0xa);
        vga.WriteChained(0x4000);
        await ShowAsync(pair, ct);
        vga.WriteChained(0xd000);
        vga.WriteLinear(0x3a000);
        // Pixels of the same mode again: the display asks what has changed since, and no one else may miss that then.
        await ShowAsync(pair, ct);
        vga.WriteText(0x1000);
        var text = vga.WriteText(LastText);
        vga.Missing().ShouldBeEmpty("what was written, on the source");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        vga.Missing().ShouldBeEmpty("what the guest has written to its screen before the switchover, after the migration");
        pair.Holder.Process.QTest!.Read(VgaMemory.Text + LastText, text.Length).ShouldBe(text, "text, as the guest reads it after the migration, without having set the mode anew");
    }

    [MigrationTest("/migration/memory/device-writes/vga/masked-planes"), RequiresCapability("pause-before-switchover")]
    public async Task Pixels_that_are_drawn_to_some_of_chained_planes_are_on_the_screen(CancellationToken ct)
    {
        var (pair, vga, migration) = await StartAsync(ct);
        vga.WriteChained(0x7000, 0x5);
        vga.WriteChained(0xe000, 0xe);
        vga.Missing().ShouldBeEmpty("what was written, on the source");
        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        var missing = vga.Missing();
        if (Quirks.MaskedPlanesAreLost(Environment.Source.Version))
        {
            missing.Count.ShouldBe(2, "the places that are as they were before; else the fault is mended: docs/findings.md");
            NoteFault(Quirks.MaskedPlanesAreLostShown);
            return;
        }

        missing.ShouldBeEmpty("what the guest has written to its screen before the switchover, after the migration");
    }

    // The bank that the window shows is worked out anew from the registers.
    [MigrationTest("/migration/memory/device-writes/cirrus-bank"), RequiresDevice("cirrus-vga")]
    public async Task The_window_of_a_Cirrus_shows_the_bank_that_it_did(CancellationToken ct)
    {
        const ushort Miscellaneous = 0x3c2, Sequencer = 0x3c4, Graphics = 0x3ce;
        const ulong Window = 0xa_0000;
        var arguments = new QemuCommandLine().With("-device", $"cirrus-vga,addr={VirtioDevice.Slot},romfile=");
        var pair = await StartPairAsync(Options with { SourceCapabilities = [], Convergence = Convergence.Allowed, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        new PciFunction(pair, VirtioDevice.Slot).EnableOnlyToBeReached();
        var qtest = pair.Source.Process.QTest!;
        qtest.Out8(Miscellaneous, 1);
        // Its own registers unlocked, 256 colours, all planes, chained; the window at 0xa0000, and a bank that is not the first.
        foreach (var (port, register, value) in new (ushort, byte, byte)[] { (Sequencer, 6, 0x12), (Sequencer, 7, 1), (Sequencer, 2, 0xf), (Sequencer, 4, 0xe), (Graphics, 6, 5), (Graphics, 9, 0x10) })
        {
            qtest.Out8(port, register);
            qtest.Out8((ushort)(port + 1), value);
        }

        qtest.Write(Window, [0x5a]);
        qtest.ReadByte(Window).ShouldBe((byte)0x5a, "source: what was written to the window");
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        pair.Destination.Process.QTest!.ReadByte(Window).ShouldBe((byte)0x5a, "destination: what the window shows");
    }

    // What the display asks for is not the migration's to forget: each asks what has changed since it asked last.
    [MigrationTest("/migration/memory/device-writes/vga/shown")]
    public async Task What_was_drawn_and_not_yet_shown_is_shown_after_the_migration(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options with { SourceCapabilities = [], Convergence = Convergence.Allowed }, ct);
        VgaMemory.ShowColours(pair.Source.Process.QTest!);
        var pixel = new PciFunction(pair, VirtioDevice.Slot).BaseAddress(0) + (100 * VgaMemory.ShownWidth) + 100;
        var first = await DrawAsync(1);
        var second = await DrawAsync(2);
        second.AsSpan().SequenceEqual(first).ShouldBeFalse("the pixel has another colour");
        pair.Source.Process.QTest!.Write(pixel, [1]);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        foreach (var side in new[] { pair.Source, pair.Destination })
        {
            (await ShownAsync(side)).AsSpan().SequenceEqual(first).ShouldBeTrue($"{side.Name}: the screen should show what was drawn before the migration");
        }

        Task<byte[]> DrawAsync(byte colour)
        {
            pair.Source.Process.QTest!.Write(pixel, [colour]);
            return ShownAsync(pair.Source);
        }

        async Task<byte[]> ShownAsync(MigrationSide side)
        {
            var file = pair.Scratch.File($"{side.Name}.ppm");
            await side.ExecuteAsync("screendump", new() { ["filename"] = file }, ct);
            return await System.IO.File.ReadAllBytesAsync(file, ct);
        }
    }

    private static Task ShowAsync(MigrationPair pair, CancellationToken ct) => pair.Source.ExecuteAsync("screendump", new() { ["filename"] = pair.Scratch.File("screen.ppm") }, ct);

    // To where all was sent once, and the guest stands still: each change of VGA's windows empties TCG's TLB, which grows by that, and below 9.0 stores to pages that stay in it may be lost.
    private async Task<(MigrationPair Pair, VgaMemory Vga, MigrationRun Migration)> StartAsync(CancellationToken ct)
    {
        var pair = await StartPairAsync(Options, ct);
        var vga = new VgaMemory(pair, VirtioDevice.Slot);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.WaitForPassAsync(2, ct);
        await migration.AllowConvergenceAsync(ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        return (pair, vga, migration);
    }
}
