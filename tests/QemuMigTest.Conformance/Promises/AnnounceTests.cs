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
    private const string Card = "card";
    private const string OtherCard = "other-card";
    private const int Rounds = 4;
    private const int Interval = 20;
    private const int TypeAt = 12;
    private const int SlowestPostcopy = 4096;
    private const ushort ReverseArp = 0x8035;
    private static readonly Dictionary<string, string> Macs = new() { [Card] = "52:54:00:12:34:56", [OtherCard] = "52:54:00:12:34:57" };
    private static readonly TimeSpan UnboundedStep = TimeSpan.FromSeconds(10);

    // Each interval is announce-step longer than the one before, but for the first, which is announce-initial, and for what announce-max does not let grow.
    [MigrationTest("/migration/promises/announce")]
    public async Task The_network_is_told_where_the_guest_is_and_no_interval_is_longer_than_announce_max(CancellationToken ct)
    {
        using var card = Listen();
        using var otherCard = Listen();
        var (pair, took) = await AnnounceAsync(card, (int)UnboundedStep.TotalMilliseconds, Interval, ct, otherCard);
        took.ShouldBeLessThan(UnboundedStep, "from RESUME to the last announcement");
        await SeeAsync(pair.Destination, otherCard, OtherCard, Rounds, ct);

        // What a manager asks for without a migration (since 4.2 by interface).
        await pair.Destination.ExecuteAsync("announce-self", Once(OtherCard), ct);
        await SeeAsync(pair.Destination, otherCard, OtherCard, 1, ct);
        card.Available.ShouldBe(0, "it was not asked for");
        await pair.Destination.ExecuteAsync("announce-self", Once(Card, OtherCard), ct);
        await SeeAsync(pair.Destination, card, Card, 1, ct);
        await SeeAsync(pair.Destination, otherCard, OtherCard, 1, ct);
    }

    [MigrationTest("/migration/promises/announce/step")]
    public async Task The_intervals_between_announcements_grow_by_announce_step(CancellationToken ct)
    {
        // By the default, 100 ms, the last would come after 360 ms.
        const int Step = 300;
        using var card = Listen();
        var (_, took) = await AnnounceAsync(card, Step, 10 * Step, ct);
        took.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds((Interval * (Rounds - 1)) + (Step * (Rounds - 2))), "from RESUME to the last announcement");
    }

    [MigrationTest("/migration/promises/announce/postcopy"), RequiresCapability("postcopy-ram"), RequiresUserfaultfd]
    public async Task The_network_is_told_where_the_guest_is_before_its_memory_has_come(CancellationToken ct)
    {
        using var card = Listen();
        using var fromSource = Listen();
        var pair = await StartPairAsync(Options(card, fromSource, Interval, Interval) with { Capabilities = [MigrationCapability.PostcopyRam], Convergence = Convergence.Held }, ct);
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = SlowestPostcopy }, ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForPageSentAsync(ct);
        await migration.StartPostcopyAsync(ct);
        await SeeAsync(pair.Destination, card, Card, Rounds, ct);
        (await pair.Source.QueryMigrateAsync(ct)).Status.ShouldBe(MigrationStatus.PostcopyActive, "most of the memory is still on the source");
        await pair.Source.SetParametersAsync(new JsonObject { ["max-postcopy-bandwidth"] = 0 }, ct);
        await migration.CompleteAsync(ct);
        card.Available.ShouldBe(0, "it is told once, not once more when the memory has come");
        fromSource.Available.ShouldBe(0, "the source has no guest to announce");
    }

    // How long the announcements took, from RESUME on.
    private async Task<(MigrationPair Pair, TimeSpan Took)> AnnounceAsync(Socket card, int step, int max, CancellationToken ct, Socket? otherCard = null)
    {
        using var fromSource = Listen();
        var pair = await StartPairAsync(Options(card, fromSource, step, max, otherCard), ct);
        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.CompleteAsync(ct);
        await SeeAsync(pair.Destination, card, Card, Rounds, ct);
        var took = TimeProvider.System.GetUtcNow() - (await pair.Destination.WaitForEventAsync("RESUME", migration.DestinationEvents, ct)).Timestamp;
        fromSource.Available.ShouldBe(0, "the source has no guest to announce");
        return (pair, took);
    }

    private static PairOptions Options(Socket card, Socket fromSource, int step, int max, Socket? otherCard = null)
    {
        var other = otherCard is null ? new QemuCommandLine() : Nic(otherCard, OtherCard);
        return new()
        {
            RegionMiB = PairOptions.SmallRegionMiB,
            Convergence = Convergence.Allowed,
            SourceArguments = Nic(fromSource, Card).With((otherCard is null ? other : Nic(fromSource, OtherCard)).Arguments),
            DestinationArguments = Nic(card, Card).With(other.Arguments),
            Parameters = new JsonObject { ["announce-initial"] = Interval, ["announce-step"] = step, ["announce-max"] = max, ["announce-rounds"] = Rounds },
        };
    }

    private async Task SeeAsync(MigrationSide side, Socket peer, string card, int rounds, CancellationToken ct)
    {
        var frame = new byte[2048];
        for (var round = 1; round <= rounds; round++)
        {
            await Poll.UntilAsync(side.Name, $"announcement {round} of {rounds} of {card}", _ => Task.FromResult(peer.Available > 0 ? peer : null), side.Process.LastSeen, Environment.Limits.Step, ct);
            peer.Receive(frame).ShouldBeGreaterThan(TypeAt + sizeof(ushort));
            BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(TypeAt)).ShouldBe(ReverseArp, "its Ethernet type");
            BitConverter.ToString(frame, 6, 6).Replace('-', ':').ShouldBe(Macs[card], "who it is from");
        }
    }

    private static JsonObject Once(params IEnumerable<string> cards) => new()
    {
        ["initial"] = Interval,
        ["max"] = Interval,
        ["rounds"] = 1,
        ["step"] = 0,
        ["interfaces"] = new JsonArray([.. cards.Select(card => (JsonNode)card)]),
    };

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static QemuCommandLine Nic(Socket peer, string card) => new QemuCommandLine()
        .With("-netdev", $"dgram,id=net-{card},local.type=inet,local.host=127.0.0.1,local.port=0,remote.type=inet,remote.host=127.0.0.1,remote.port={((IPEndPoint)peer.LocalEndPoint!).Port}")
        .With("-device", $"e1000,id={card},netdev=net-{card},mac={Macs[card]},romfile=");
}
