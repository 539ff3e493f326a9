using System.Security.Cryptography;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A serial port whose other end takes nothing for now: what it has taken from the guest it must keep.</summary>
[RequiresDevice("isa-serial")]
public sealed class SerialTests : MigrationFixture, IDisposable
{
    private const int FifoControl = 2;
    private const int LineStatus = 5;
    private const byte TransmitterEmpty = 0x40;
    private const byte HolderEmpty = 0x20;

    // More than any socket keeps.
    private const int Most = 0x8_0000;

    // To the end of the oracles: a QEMU whose peer hangs up has a socket less.
    private readonly List<SerialPeer> _peers = [];

    /// <summary>Hangs up.</summary>
    public void Dispose() => _peers.ForEach(peer => peer.Dispose());

    [MigrationTest("/migration/devices/serial-blocked", 1)]
    [MigrationTest("/migration/devices/serial-blocked/fifo", 16)]
    public async Task What_a_port_could_not_send_before_the_migration_it_sends_after_it(int queue, CancellationToken ct)
    {
        const int Later = 40;
        var folder = Session.Scratch.CreateChild("com2");
        var (there, here) = (new SerialPeer(folder.File("source")), new SerialPeer(folder.File("destination")));
        _peers.AddRange(there, here);
        var pair = await StartPairAsync(new()
        {
            Convergence = Convergence.Allowed,
            RegionMiB = PairOptions.SmallRegionMiB,
            SourceArguments = there.Arguments,
            DestinationArguments = here.Arguments,
        }, ct);
        var (text, written) = (RandomNumberGenerator.GetBytes(Most), 0);
        var source = pair.Source.Process.QTest!;
        source.Out8(SerialPeer.Port + FifoControl, (byte)(queue > 1 ? 1 : 0));
        for (; (Status(pair) & TransmitterEmpty) != 0; written++)
        {
            written.ShouldBeLessThan(Most - queue - Later, "bytes that nobody has taken");
            source.Out8(SerialPeer.Port, text[written]);
        }

        // The last is on its way out of the port, and behind it there is room for more.
        var sent = written - 1;
        for (var more = 0; more < queue; more++)
        {
            source.Out8(SerialPeer.Port, text[written++]);
        }

        (Status(pair) & (TransmitterEmpty | HolderEmpty)).ShouldBe(0, "the port's line status, when it has all that it can keep");

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);
        var destination = pair.Destination;
        (await here.TakeAsync(destination, written - sent, ct)).ShouldBe(text[sent..written], "what the port had taken from the guest, and not sent, before the migration, should come after it, and all in order");
        (Status(pair) & (TransmitterEmpty | HolderEmpty)).ShouldBe(TransmitterEmpty | HolderEmpty, "the port's line status, when all was sent");
        for (var more = 0; more < Later; more++)
        {
            destination.Process.QTest!.Out8(SerialPeer.Port, text[written + more]);
        }

        (await here.TakeAsync(destination, Later, ct)).ShouldBe(text[written..(written + Later)], "what the guest sends after the migration should come behind that");
        here.Waiting.ShouldBe(0, "bytes that came, and that nobody has sent");
        // The source, if it is left to itself, sends what it has, too, as soon as there is room.
        (await there.TakeAsync(pair.Source, sent, ct)).ShouldBe(text[..sent], "what was sent before the migration");
    }

    private static byte Status(MigrationPair pair) => pair.Holder.Process.QTest!.In8(SerialPeer.Port + LineStatus);
}
