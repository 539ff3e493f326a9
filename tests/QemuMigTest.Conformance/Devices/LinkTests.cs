using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Network cards whose cable was pulled, and cards that were talking to the other end of theirs when the guest left.</summary>
[RequiresDevice("e1000"), RequiresDevice("e1000e"), RequiresDevice("rtl8139")]
public sealed class LinkTests : MigrationFixture
{
    private const int Slot = VirtioDevice.Slot;
    private const int SenderAt = 6;

    // First those that are down: each round announces in this order.
    private static readonly string[] Down = ["e1000-down", "e1000e-down"];
    private static readonly string[] Negotiating = ["e1000-negotiating", "e1000e-negotiating"];
    private static readonly string[] Up = ["rtl8139-up"];
    private static readonly string[] Cards = [.. Down, .. Up, .. Negotiating];

    [MigrationTest("/migration/devices/link"), RequiresCapability("pause-before-switchover")]
    public async Task A_link_that_was_down_stays_down_and_one_that_was_negotiated_comes_up(CancellationToken ct)
    {
        using var network = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        network.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var pair = await StartPairAsync(new()
        {
            SourceCapabilities = [MigrationCapability.PauseBeforeSwitchover],
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = Nics(card => $"hubport,id=net-{card},hubid={Array.IndexOf(Cards, card)}"),
            DestinationArguments = Nics(card => $"dgram,id=net-{card},local.type=inet,local.host=127.0.0.1,local.port=0,remote.type=inet,remote.host=127.0.0.1,remote.port={((IPEndPoint)network.LocalEndPoint!).Port}"),
        }, ct);
        var phys = Down.Concat(Negotiating).ToDictionary(card => card, card => new EthernetPhy(pair, Slot + Array.IndexOf(Cards, card)));
        foreach (var card in Down)
        {
            await SetLinkAsync(pair.Source, card, up: false, ct);
        }

        foreach (var (card, phy) in phys)
        {
            phy.Start();
            phy.IsUp.ShouldBe(!Down.Contains(card), $"whether the link of {card} is up, on the source");
        }

        var migration = await pair.MigrateAsync(MigrationChannel.Unix, ct);
        await migration.WaitForStatusAsync(MigrationStatus.PreSwitchover, ct);
        // It takes 500 ms of the guest's clock, which stands still.
        foreach (var card in Negotiating)
        {
            phys[card].Negotiate();
            (phys[card].IsUp, phys[card].HasNegotiated).ShouldBe((false, false), $"whether the link of {card} is up, and was negotiated, on the source, where that has begun");
        }

        await migration.ContinueFromPreSwitchoverAsync(ct);
        await migration.CompleteAsync(ct);

        var destination = pair.Destination;
        foreach (var card in Down)
        {
            phys[card].IsUp.ShouldBeFalse($"whether the link of {card}, which was down when the guest left, is up on the destination (STATUS.LU)");
        }

        var heard = await AnnounceAsync(destination, network, Up, ct);
        foreach (var card in Down)
        {
            heard.ShouldNotContain(card, $"whose frames the destination sends: the link of {card} was down when the guest left, and nothing of it may reach the network");
        }

        foreach (var card in Negotiating)
        {
            await ComesUpAsync(destination, phys[card], $"the link of {card}, which was being negotiated when the guest left, to come up", ct);
        }

        foreach (var card in Down)
        {
            await SetLinkAsync(destination, card, up: true, ct);
            await ComesUpAsync(destination, phys[card], $"the link of {card}, which set_link has turned on, to come up", ct);
        }

        await AnnounceAsync(destination, network, Cards, ct);
    }

    // Whose frames have come, those of the migration's own announcements included, until each of some has sent one more.
    private static async Task<IReadOnlySet<string>> AnnounceAsync(MigrationSide side, Socket network, string[] wanted, CancellationToken ct)
    {
        var heard = new HashSet<string>();
        void Hear()
        {
            var frame = new byte[2048];
            while (network.Available > 0)
            {
                network.Receive(frame);
                heard.Add(Cards.FirstOrDefault(card => frame.AsSpan(SenderAt, 6).SequenceEqual(Mac(card))) ?? Convert.ToHexString(frame, SenderAt, 6));
            }
        }

        Hear();
        var before = heard.ToList();
        heard.Clear();
        await side.ExecuteAsync("announce-self", new JsonObject { ["initial"] = 50, ["max"] = 50, ["rounds"] = 1, ["step"] = 0 }, ct);
        await Poll.UntilAsync(side.Name, $"a frame of each of {string.Join(", ", wanted)}, whose links are up", _ =>
        {
            Hear();
            return Task.FromResult(heard.IsSupersetOf(wanted) ? side : null);
        }, () => $"frames of {string.Join(", ", heard)}", side.Process.Options.Limits.Command, ct);
        heard.UnionWith(before);
        return heard;
    }

    private static Task ComesUpAsync(MigrationSide side, EthernetPhy phy, string what, CancellationToken ct) =>
        Poll.UntilAsync(side.Name, what, _ => Task.FromResult(phy is { IsUp: true, HasNegotiated: true } ? phy : null), () => $"up: {phy.IsUp}, negotiated: {phy.HasNegotiated}", side.Process.Options.Limits.Command, ct);

    private static Task SetLinkAsync(MigrationSide side, string card, bool up, CancellationToken ct) => side.ExecuteAsync("set_link", new JsonObject { ["name"] = card, ["up"] = up }, ct);

    private static QemuCommandLine Nics(Func<string, string> backend) => new QemuCommandLine().With(Cards.SelectMany((card, number) => (string[])
    [
        "-netdev", backend(card),
        "-device", $"{card.Split('-')[0]},id={card},netdev=net-{card},addr={Slot + number:x},romfile=,mac={BitConverter.ToString(Mac(card)).Replace('-', ':')}",
    ]));

    private static byte[] Mac(string card) => [0x52, 0x54, 0, 0x12, 0x34, (byte)(0x60 + Array.IndexOf(Cards, card))];

    // What an Intel 8254x and an 82574 have in common.
    private sealed class EthernetPhy(MigrationPair pair, int slot)
    {
        private const int Status = 0x08;
        private const int PhyAccess = 0x20;
        private const uint LinkUp = 2;
        private const uint PhyAddress = 1 << 21;
        private const uint WritePhy = 1 << 26;
        private const uint ReadPhy = 1 << 27;

        // Registers of every PHY, by IEEE 802.3.
        private const uint BasicControl = 0;
        private const uint BasicStatus = 1;
        private const uint NegotiateAnew = 0x1200;
        private const uint Negotiated = 1 << 5;
        private readonly PciFunction _function = new(pair, slot);

        private QTestClient QTest => pair.Holder.Process.QTest!;

        public bool IsUp => (Read(Status) & LinkUp) != 0;

        public bool HasNegotiated
        {
            get
            {
                Write(PhyAccess, ReadPhy | PhyAddress | (BasicStatus << 16));
                return (Read(PhyAccess) & Negotiated) != 0;
            }
        }

        public void Start() => _function.Enable();

        public void Negotiate() => Write(PhyAccess, WritePhy | PhyAddress | (BasicControl << 16) | NegotiateAnew);

        private uint Read(uint register) => BitConverter.ToUInt32(QTest.Read(_function.BaseAddress(0) + register, sizeof(uint)));

        private void Write(uint register, uint value) => QTest.Write(_function.BaseAddress(0) + register, BitConverter.GetBytes(value));
    }
}
