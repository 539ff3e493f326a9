using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Promises;

/// <summary>The destination tells the network where the guest is now, announce-rounds times: without that its switches go on sending to the source. The source announces nothing.</summary>
[RequiresArgument("migrate-set-parameters", "announce-rounds"), RequiresDevice("e1000")]
public sealed class AnnounceTests : MigrationFixture
{
    private const string Mac = "52:54:00:12:34:56";
    private const int Rounds = 4;
    private const int Interval = 20;
    private const int TypeAt = 12;
    private const ushort ReverseArp = 0x8035;

    private static readonly TimeSpan UnboundedStep = TimeSpan.FromSeconds(10);

    // Each interval is announce-step longer than the one before, but for the first, which is announce-initial, and for what announce-max does not let grow.
    [MigrationTest("/migration/promises/announce")]
    public async Task The_network_is_told_where_the_guest_is_and_no_interval_is_longer_than_announce_max(CancellationToken ct) =>
        (await AnnounceAsync((int)UnboundedStep.TotalMilliseconds, Interval, ct)).ShouldBeLessThan(UnboundedStep, "from RESUME to the last announcement");

    [MigrationTest("/migration/promises/announce/step")]
    public async Task The_intervals_between_announcements_grow_by_announce_step(CancellationToken ct)
    {
        const int Step = 150;
        (await AnnounceAsync(Step, 10 * Step, ct)).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds((Interval * (Rounds - 1)) + (Step * (Rounds - 2))), "from RESUME to the last announcement");
    }

    // How long the announcements took, from RESUME on.
    private async Task<TimeSpan> AnnounceAsync(int step, int max, CancellationToken ct)
    {
        using var fromSource = Listen();
        using var fromDestination = Listen();
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            SourceArguments = Nic(fromSource),
            DestinationArguments = Nic(fromDestination),
            Parameters = new JsonObject { ["announce-initial"] = Interval, ["announce-step"] = step, ["announce-max"] = max, ["announce-rounds"] = Rounds },
        }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        var frame = new byte[2048];
        for (var round = 1; round <= Rounds; round++)
        {
            await Poll.UntilAsync(pair.Destination.Name, $"announcement {round} of {Rounds}", _ => Task.FromResult(fromDestination.Available > 0 ? pair : null), pair.Destination.Process.LastSeen, Environment.Limits.Step, ct);
            fromDestination.Receive(frame).ShouldBeGreaterThan(TypeAt + sizeof(ushort));
            BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(TypeAt)).ShouldBe(ReverseArp, "its Ethernet type");
            BitConverter.ToString(frame, 6, 6).Replace('-', ':').ShouldBe(Mac, "who it is from");
        }

        var took = TimeProvider.System.GetUtcNow() - (await pair.Destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct)).Timestamp;
        fromSource.Available.ShouldBe(0, "the source has no guest to announce");
        return took;
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static QemuCommandLine Nic(Socket peer) => new QemuCommandLine()
        .With("-netdev", $"dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port=0,remote.type=inet,remote.host=127.0.0.1,remote.port={((IPEndPoint)peer.LocalEndPoint!).Port}")
        .With("-device", $"e1000,netdev=n0,mac={Mac},romfile=");
}
