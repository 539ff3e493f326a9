using System.Net.Sockets;
using QemuMigTest.Oracles;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

public sealed class IdleDrills : DrillFixture
{
    // As many as a socket may hold unread: nobody but QEMU needs a processor from then on.
    private const int Characters = 4 << 20;

    [Test, DrillLimit]
    public Task A_source_that_is_busy_after_its_migration_is_found(CancellationToken ct) => KeepBusyAsync([], async pair =>
        (await FindingsAsync(pair, ct)).ShouldContain("[idle] source: its thread 'qemu-source' is always busy"), ct);

    // What its throttle leaves behind may keep it busy: docs/findings.md.
    [Test, DrillLimit]
    public Task The_main_thread_of_a_source_with_auto_converge_may_be_busy(CancellationToken ct) =>
        KeepBusyAsync([MigrationCapability.AutoConverge], pair => new PairVerifier().VerifyAndEndAsync(pair, ct), ct);

    private async Task KeepBusyAsync(IReadOnlyList<MigrationCapability> capabilities, Func<MigrationPair, Task> verify, CancellationToken ct)
    {
        using var folder = Session.Scratch.CreateChild("");
        var path = folder.File("more");
        var pair = await StartVictimAsync(new()
        {
            SourceCapabilities = capabilities,
            Convergence = Convergence.Allowed,
            SourceArguments = new QemuCommandLine().With("-chardev", $"socket,id=more,path={QemuCommandLine.InList(path)},server=on,wait=off").With("-mon", "more"),
        }, ct);
        using var monitor = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendBufferSize = Characters };
        await monitor.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        // HMP passes over a zero, and QEMU's main thread goes round once for each.
        var sent = SendAsync(monitor, ct);
        await verify(pair);
        await sent;
    }

    private static async Task SendAsync(Socket monitor, CancellationToken ct)
    {
        try
        {
            await monitor.SendAsync(new byte[Characters], ct);
        }
        catch (SocketException)
        {
            // Where a socket may hold less, it was told to quit before it had read all.
        }
    }
}
