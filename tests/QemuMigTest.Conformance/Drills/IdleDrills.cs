using System.Net.Sockets;
using System.Text;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Drills;

public sealed class IdleDrills : DrillFixture
{
    private const int Ahead = 50;

    // Above 4 GiB no machine of ours has anything: read byte by byte, some 5 ns each.
    private const long Nothing = 1L << 32;
    private const int NothingBytes = 16 << 20;

    [Test, CancelAfter(60_000)]
    public async Task A_source_that_is_busy_after_its_migration_is_found(CancellationToken ct)
    {
        using var folder = Session.Scratch.CreateChild("");
        var path = folder.File("more");
        var pair = await StartVictimAsync(new()
        {
            Convergence = Convergence.Allowed,
            SourceArguments = new QemuCommandLine().With("-qmp", $"unix:{QemuCommandLine.InList(path)},server=on,wait=off"),
        }, ct);
        using var monitor = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await monitor.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        await SendAsync(monitor, """{"execute":"qmp_capabilities"}""", ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        var asked = AskAsync(monitor, ct);
        (await FindingsAsync(pair, ct)).ShouldContain("[idle] source: its thread 'qemu-source' is always busy");
        await asked;
    }

    // What takes QEMU's main thread some 90 ms, over and over. Its monitor takes in eight at a time, in a thread of its own: 0.7 s in which neither that nor we need a processor.
    private static async Task AskAsync(Socket monitor, CancellationToken ct)
    {
        var work = $"{{\"execute\":\"pmemsave\",\"arguments\":{{\"val\":{Nothing},\"size\":{NothingBytes},\"filename\":\"/dev/null\"}}}}";
        var answer = new byte[1 << 12];
        try
        {
            for (var more = 0; more < Ahead; more++)
            {
                await SendAsync(monitor, work, ct);
            }

            do
            {
                await SendAsync(monitor, work, ct);
            }
            while (await monitor.ReceiveAsync(answer, ct) > 0);
        }
        catch (SocketException)
        {
            // It was told to quit.
        }
    }

    private static async Task SendAsync(Socket monitor, string command, CancellationToken ct) => await monitor.SendAsync(Encoding.ASCII.GetBytes(command), ct);
}
