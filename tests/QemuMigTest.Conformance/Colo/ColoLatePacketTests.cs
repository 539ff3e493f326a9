using System.ComponentModel;
using System.Text.Json.Nodes;
using Mono.Unix.Native;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Colo;

/// <summary>A secondary takes over in the middle of a checkpoint, and only then takes in a packet of multifd that the primary had sent: by chance, on a busy machine, or made so here.</summary>
[RequiresCapability("x-colo"), RequiresCommand("x-colo-lost-heartbeat"), RequiresSameVersion("COLO keeps two QEMUs of one version in step")]
[RequiresVersion(11, 0, "COLO with multifd")]
public sealed class ColoLatePacketTests : MigrationFixture
{
    private const int PageSize = 4096;
    private const int CounterBytes = 256;

    // The first packet of a checkpoint has 128 pages, those of low memory among them.
    private const int MarkedPages = 256;
    private const byte Mark = 0x6d;

    // Milliseconds. With the long one no checkpoint comes of itself.
    private const int Delay = 300;
    private const int LongDelay = 200_000;

    // More than the first packet takes when it is compressed, and much less than all pages do.
    private const int PacketBytes = 64 * 1024;

    // A checkpoint begins with a packet without pages, of this size where a page has 4 KiB; the next one's header is of it as well.
    private const int SynchronisationBytes = 1344;
    private const int SomeBytes = 100;

    // recvmsg of Linux on x86-64.
    private const int ReceiveMessage = 47;

    [MigrationTest("/migration/colo/multifd/secondary_failover_checkpoint/late")]
    public async Task What_the_lost_primary_sent_last_does_not_come_into_the_guest_that_took_over(CancellationToken ct)
    {
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            Capabilities = [MigrationCapability.Colo, MigrationCapability.ReturnPath, MigrationCapability.Multifd],
            // So that a packet as a whole waits in a socket.
            Parameters = new JsonObject { ["multifd-channels"] = 1, ["multifd-compression"] = "zlib" },
            SourceParameters = new JsonObject { ["x-checkpoint-delay"] = LongDelay },
        }, ct);
        using var proxy = new ProxyChannel();
        var migration = await pair.MigrateAsync(proxy, ct);
        await migration.WaitForColoAsync(ct);
        await RequireTracingAsync(pair.Destination);

        WriteMarks(pair.Source);
        using var receiver = await HoldInFirstPacketAsync(migration, proxy, ct);
        // It is lost, and must not come to the end of its pages.
        pair.Source.Process.Child.Signal(Signum.SIGSTOP).ShouldBeTrue();
        await migration.FailOverAsync(pair.Destination, receiver.Dispose, ct);

        if (Quirks.ColoTakesLatePackets(Environment.Destination.Version))
        {
            Release(pair);
            CountMarks(pair.Destination).ShouldBeGreaterThan(0, $"this QEMU does not have the fault that {nameof(Quirks)}.{nameof(Quirks.ColoTakesLatePackets)} says it has");
            NoteFault(Quirks.ColoTakesLatePacketsShown);
            return;
        }

        CountMarks(pair.Destination).ShouldBe(0, "pages that the primary wrote to after the last whole checkpoint");
    }

    private static async Task RequireTracingAsync(MigrationSide side)
    {
        try
        {
            using var held = await HeldThreads.HoldAsync(side.Process.Child.Id, MultifdThreads.Receives);
            held.Names.Count.ShouldBe(1, "threads that take in what comes over multifd's channels");
        }
        catch (Win32Exception e) when (e.NativeErrorCode == (int)Errno.EPERM)
        {
            Skip("leave to trace a QEMU's threads (ptrace)", new(e.Message, "one of them is made to be late"));
        }
    }

    // A thread is let go on where it was stopped, and sees that it should end before it takes in another packet: it must have begun with this one.
    private async Task<HeldThreads> HoldInFirstPacketAsync(MigrationRun migration, ProxyChannel proxy, CancellationToken ct)
    {
        var before = Pages();
        var begun = migration.WaitForCheckpointToBeginAsync(ct);
        proxy.StopSecondAfter(SynchronisationBytes + SomeBytes);
        await migration.SetCheckpointDelayAsync(Delay, ct);
        await begun;
        await WaitForPagesAsync(SynchronisationBytes + SomeBytes);
        await migration.Destination.Process.WaitForThreadsInCallAsync(MultifdThreads.Receives, ReceiveMessage, "the rest of the first packet to be waited for", ct);

        var held = await HeldThreads.HoldAsync(migration.Destination.Process.Child.Id, MultifdThreads.Receives);
        try
        {
            proxy.LetSecondGoOn();
            await WaitForPagesAsync(PacketBytes);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }

        Task WaitForPagesAsync(int bytes) => Poll.UntilAsync("proxy", $"{bytes} bytes of pages", _ => Task.FromResult(Pages() - before >= bytes ? proxy : null),
            () => $"{Pages() - before} bytes", Environment.Limits.Step, ct);

        // The first connection is the main channel.
        long Pages() => proxy.BytesByConnection[1];
    }

    // All of a page but for what the guest goes on counting: a compressor makes little of it.
    private static void WriteMarks(MigrationSide side)
    {
        var marks = new byte[PageSize - CounterBytes];
        Array.Fill(marks, Mark);
        foreach (var address in MarkAddresses(side))
        {
            side.Process.QTest!.Write(address, marks);
        }
    }

    // No page of the guest's has so many bytes of one value.
    private static int CountMarks(MigrationSide side) =>
        MarkAddresses(side).Count(address => !side.Process.QTest!.Read(address, PageSize - CounterBytes).AsSpan().ContainsAnyExcept(Mark));

    private static IEnumerable<ulong> MarkAddresses(MigrationSide side) =>
        Enumerable.Range(0, MarkedPages).Select(page => (ulong)side.Program.Settings.RegionStart + (ulong)(page * PageSize) + CounterBytes);
}
