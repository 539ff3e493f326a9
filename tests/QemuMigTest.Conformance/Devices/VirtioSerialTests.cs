using System.Buffers.Binary;
using System.Security.Cryptography;
using QemuMigTest.Conformance.Memory;
using QemuMigTest.Processes;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Ports of virtio-serial that the guest has open: the host hears so on the destination, and what was under way goes on.</summary>
[RequiresDevice("virtio-serial-pci"), RequiresDevice("virtserialport")]
public sealed class VirtioSerialTests : MigrationFixture, IDisposable
{
    // Port 0 is a console's.
    private const ushort Kept = 1;
    private const ushort Left = 2;

    // To the end of the oracles: a QEMU whose peer hangs up has a socket less.
    private readonly List<ChardevPeer> _peers = [];

    /// <summary>Hangs up.</summary>
    public void Dispose() => _peers.ForEach(peer => peer.Dispose());

    [MigrationTest("/migration/devices/virtio-serial")]
    public async Task A_port_that_the_guest_has_open_is_open_on_the_destination(CancellationToken ct)
    {
        var (pair, ports, there, here) = await StartAsync(ct);
        ports.Want();
        await there.SendAsync(RandomNumberGenerator.GetBytes(Driver.Short), ct);
        await ports.HearAsync(ct);
        ports.Want();
        ports.ListenToControl(1);
        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        var before = pair.Destination.EventPosition;
        await migration.CompleteAsync(ct);

        foreach (var port in new[] { Kept, Left })
        {
            var told = await pair.Destination.Process.WaitForEventAsync(e => e.Name == "VSERPORT_CHANGE" && e.Data.GetProperty("id").GetString() == $"port{port}", before, $"event VSERPORT_CHANGE of port{port}", ct);
            told.Data.GetProperty("open").GetBoolean().ShouldBeTrue($"destination: what VSERPORT_CHANGE says of port{port}, which the guest had open when it left");
            (await IsOpenAsync(pair.Destination, port, ct)).ShouldBeTrue($"destination: frontend-open (query-chardev) of port{port}, which the guest had open when it left");
        }

        await ports.HearControlAsync([(Left, Driver.PortOpen, 0)], "that nobody is at the other end of the destination's second port", ct);
        var text = RandomNumberGenerator.GetBytes(Driver.Short);
        await here.SendAsync(text, ct);
        (await ports.HearAsync(ct)).ShouldBe(text, "what the guest gets of what the host has sent after the migration, in a buffer of before");
        await SendMoreAsync(pair, ports, here, ct);
        await ports.TellAsync(Kept, Driver.PortOpen, 0, ct);
        (await IsOpenAsync(pair.Destination, Kept, ct), await IsOpenAsync(pair.Destination, Left, ct)).ShouldBe((false, true), "frontend-open (query-chardev) of the ports on the destination, of which the guest has closed the first");
    }

    // By a file: from a socket a destination may have to wait for the rest of the device, and send on before it knows the queue (7.2 to 10.0: "Virtqueue size exceeded").
    [MigrationTest("/migration/devices/virtio-serial/blocked"), RequiresArgument("migrate", "channels", "file")]
    public async Task What_a_port_could_not_send_before_the_migration_it_sends_after_it(CancellationToken ct)
    {
        var (pair, ports, there, here) = await StartAsync(ct);
        var stream = ports.SendMuch();
        await Poll.UntilAsync(pair.Source.Name, "its port to send what its other end has room for", async token => (await there.PeekAsync(token)).Length > 0 ? there : null,
            () => "nothing has come", Environment.Limits.Command, ct);

        var migration = await pair.MigrateAsync(new FileChannel(), ct);
        await migration.CompleteAsync(ct);
        // The source, if there were room, would send what it has, too.
        var sent = await there.PeekAsync(ct);
        sent.Length.ShouldBeLessThan(stream.Length, "bytes that went to the source's other end, which takes nothing");
        sent.AsSpan().SequenceEqual(stream.AsSpan(0, sent.Length)).ShouldBeTrue("what went to the source's other end should be what the guest sent first");
        var rest = await here.TakeAsync(pair.Destination, stream.Length - sent.Length, ct);
        rest.AsSpan().SequenceEqual(stream.AsSpan(sent.Length)).ShouldBeTrue("what the source's other end had no room for should come on the destination, from there on where it stopped");
        await ports.SendMuchIsDoneAsync(ct);
        await SendMoreAsync(pair, ports, here, ct);
    }

    private static async Task SendMoreAsync(MigrationPair pair, Driver ports, ChardevPeer peer, CancellationToken ct)
    {
        var text = await ports.SendAsync(ct);
        (await peer.TakeAsync(pair.Destination, text.Length, ct)).ShouldBe(text, "what the guest has sent after the migration");
        peer.Waiting.ShouldBe(0, "bytes that came, and that the guest has not sent");
    }

    // Two ports that the guest has opened; at the other end of the second there is nobody on the destination.
    private async Task<(MigrationPair Pair, Driver Ports, ChardevPeer Source, ChardevPeer Destination)> StartAsync(CancellationToken ct)
    {
        var folder = Session.Scratch.CreateChild("ports");
        var (there, left, here) = (new ChardevPeer(folder.File("source"), "port1"), new ChardevPeer(folder.File("left"), "port2"), new ChardevPeer(folder.File("destination"), "port1"));
        _peers.AddRange(there, left, here);
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = Ports(there.Chardev.With(left.Chardev.Arguments)),
            DestinationArguments = Ports(here.Chardev.With("-chardev", $"socket,id=port2,server=on,wait=off,path={QemuCommandLine.InList(folder.File("nobody"))}")),
        }, ct);
        var ports = new Driver(pair);
        await ports.OpenAsync(ct);
        (await IsOpenAsync(pair.Source, Kept, ct), await IsOpenAsync(pair.Source, Left, ct)).ShouldBe((true, true), "frontend-open (query-chardev) of the ports on the source: the guest has just opened them");
        return (pair, ports, there, here);
    }

    private static QemuCommandLine Ports(QemuCommandLine chardevs) => chardevs
        .With("-device", $"virtio-serial-pci,id=serial,addr={VirtioDevice.Slot},disable-legacy=on")
        .With(new[] { Kept, Left }.SelectMany(port => (string[])["-device", $"virtserialport,bus=serial.0,nr={port},id=port{port},chardev=port{port}"]));

    private static async Task<bool> IsOpenAsync(MigrationSide side, ushort port, CancellationToken ct) =>
        (await side.ExecuteAsync("query-chardev", null, ct)).EnumerateArray().Single(chardev => chardev.GetProperty("label").GetString() == $"port{port}").GetProperty("frontend-open").GetBoolean();

    private sealed class Driver
    {
        public const ushort PortOpen = 6;
        public const int Short = 40;

        private const uint PageSize = 4096;
        private const ulong ManyPorts = 1UL << 1;
        private const ushort DeviceReady = 0;
        private const ushort DeviceAdd = 1;
        private const ushort PortReady = 3;
        private const int MessageBytes = 8;
        private const int MessageStep = 0x100;
        private const int BufferBytes = 256;

        // With all of them there is more than any socket keeps.
        private const int LargeRequests = 8;
        private const int LargeBytes = 16 * (int)PageSize;
        private readonly MigrationPair _pair;
        private readonly DevicePages _pages;
        private readonly Virtqueue _receive;
        private readonly Virtqueue _send;
        private readonly Virtqueue _hear;
        private readonly Virtqueue _tell;
        private readonly uint _heard;
        private readonly uint _told;
        private readonly uint _received;
        private readonly uint _large;

        public Driver(MigrationPair pair)
        {
            (_pair, _pages) = (pair, new(pair));
            var device = new VirtioDevice(pair);
            device.Begin(ManyPorts);
            var page = DevicePages.Low;
            (_hear, _tell, _receive, _send) = (Add(2), Add(3), Add(4), Add(5));
            (_heard, _told, _received, _large) = (page, page + PageSize, page + (2 * PageSize), page + (3 * PageSize));
            device.Go();

            Virtqueue Add(ushort index)
            {
                var queue = device.AddQueue(index, page);
                page += Virtqueue.Pages * PageSize;
                return queue;
            }
        }

        public async Task OpenAsync(CancellationToken ct)
        {
            ListenToControl(2);
            await TellAsync(0, DeviceReady, 1, ct);
            await HearControlAsync([(Kept, DeviceAdd, 1), (Left, DeviceAdd, 1)], "of its ports", ct);
            foreach (var port in new[] { Kept, Left })
            {
                ListenToControl(1);
                await TellAsync(port, PortReady, 1, ct);
                await HearControlAsync([(port, PortOpen, 1)], $"that somebody is at the other end of port{port}", ct);
                await TellAsync(port, PortOpen, 1, ct);
            }
        }

        public async Task TellAsync(ushort port, ushort what, ushort value, CancellationToken ct)
        {
            _pages.Put(_told, Page([Message(port, what, value)]), When);
            _tell.Submit((_told, MessageBytes, false));
            await _tell.WaitAsync($"to hear of port {port}: {what}", 0, When, ct);
        }

        public void ListenToControl(int messages)
        {
            _pages.Clear(_heard, When);
            _hear.SubmitAll([.. Enumerable.Range(0, messages).Select(message => new[] { ((uint)(_heard + (message * MessageStep)), MessageBytes, true) })]);
        }

        public async Task HearControlAsync((ushort Port, ushort What, ushort Value)[] messages, string what, CancellationToken ct)
        {
            await _hear.WaitAsync($"to tell {what}", MessageBytes, When, ct);
            var seen = _pair.Holder.Process.QTest!.Read(_heard, (int)PageSize);
            var expected = Page([.. messages.Select(message => Message(message.Port, message.What, message.Value))]);
            Convert.ToHexString(seen, 0, MessageStep * messages.Length).ShouldBe(Convert.ToHexString(expected, 0, MessageStep * messages.Length), $"the device's control messages, {When}: it should tell {what}");
            _pair.Expect(_heard, expected, $"by its virtio-serial, {When}");
        }

        public void Want()
        {
            _pages.Clear(_received, When);
            _receive.Submit((_received, BufferBytes, true));
        }

        public async Task<byte[]> HearAsync(CancellationToken ct)
        {
            await _receive.WaitAsync("to hand on what the host sends", Short, When, ct);
            var page = _pair.Holder.Process.QTest!.Read(_received, (int)PageSize);
            _pair.Expect(_received, page, $"by its virtio-serial, {When}");
            return page[..Short];
        }

        public byte[] SendMuch()
        {
            var bytes = RandomNumberGenerator.GetBytes(LargeBytes);
            for (var at = 0; at < LargeBytes; at += (int)PageSize)
            {
                _pages.Put((uint)(_large + at), bytes[at..(at + (int)PageSize)], When);
            }

            _send.SubmitAll([.. Enumerable.Repeat(new[] { (_large, LargeBytes, false) }, LargeRequests)]);
            return [.. Enumerable.Repeat(bytes, LargeRequests).SelectMany(request => request)];
        }

        public Task SendMuchIsDoneAsync(CancellationToken ct) => _send.WaitAsync("to send what the guest has given it before the migration", 0, When, ct);

        public async Task<byte[]> SendAsync(CancellationToken ct)
        {
            var page = _pages.Fill(_large, When);
            _send.Submit((_large, Short, false));
            await _send.WaitAsync("to send what the guest has given it", 0, When, ct);
            return page[..Short];
        }

        private string When => _pair.Holder == _pair.Source ? "before the migration" : "after the migration";

        private static byte[] Message(ushort port, ushort what, ushort value)
        {
            var message = new byte[MessageBytes];
            BinaryPrimitives.WriteUInt32LittleEndian(message, port);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(4), what);
            BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), value);
            return message;
        }

        private static byte[] Page(byte[][] messages)
        {
            var page = new byte[PageSize];
            foreach (var (index, message) in messages.Index())
            {
                message.CopyTo(page, index * MessageStep);
            }

            return page;
        }
    }
}
