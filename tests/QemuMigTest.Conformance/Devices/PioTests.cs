using System.Security.Cryptography;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Drives whose data the driver itself moves, word by word (PIO), and has moved some of when the guest leaves.</summary>
[RequiresDevice("isa-ide"), RequiresDevice("ide-cd")]
public sealed class PioTests : MigrationFixture
{
    private const int SectorBytes = 512;
    private const int SectorWords = SectorBytes / sizeof(ushort);
    private const int Moved = 100;
    private const int PacketWords = 6;
    private const int InquiryWords = 18;

    // Each drive has a controller, all at ports that are free on a PC.
    private const ushort FirstPorts = 0x1a0;
    private const ushort PortsStep = 0x10;
    private const ushort ControlAt = 8;
    private const string Disk = "hd", Cd = "cd";
    private static readonly (string Name, string Kind)[] Drives = [("reads", Disk), ("writes", Disk), ("tells", Disk), ("hears", Cd)];
    private static readonly ushort[] Inquiry = [0x12, 0, InquiryWords * sizeof(ushort), 0, 0, 0];

    [MigrationTest("/migration/devices/ide-pio"), RequiresVersion(8, 2, "before it several controllers of the ISA bus (isa-ide) have one name in the stream, and get each other's state")]
    public async Task What_the_driver_has_moved_half_of_it_moves_the_rest_of(CancellationToken ct)
    {
        const byte ReadSectors = 0x20, WriteSectors = 0x30, Identify = 0xec;
        var arguments = new QemuCommandLine();
        var images = Session.Scratch.CreateChild("images");
        var content = RandomNumberGenerator.GetBytes(4 * SectorBytes);
        foreach (var (number, (name, kind)) in Drives.Index())
        {
            var image = images.File(name);
            await System.IO.File.WriteAllBytesAsync(image, content, ct);
            arguments = arguments
                .With("-device", $"isa-ide,id={name},iobase={PortsOf(number)},iobase2={PortsOf(number) + ControlAt}")
                .With("-drive", kind == Cd ? $"if=none,id=drive-{name},driver=null-co,size={SectorBytes},read-zeroes=on,read-only=on" : $"if=none,id=drive-{name},format=raw,file={QemuCommandLine.InList(image)}")
                .With("-device", $"ide-{kind},drive=drive-{name},bus={name}.0");
        }

        var pair = await StartPairAsync(new() { Convergence = Convergence.Allowed, RegionMiB = PairOptions.SmallRegionMiB, SourceArguments = arguments, DestinationArguments = arguments }, ct);
        var drives = Drives.Index().ToDictionary(drive => drive.Item.Name, drive => new PioDrive(pair, PortsOf(drive.Index)));
        var (reads, writes, tells, hears) = (drives["reads"], drives["writes"], drives["tells"], drives["hears"]);

        // What two of them say is known.
        await tells.BeginAsync(Identify, 0, 0, ct);
        var identity = tells.Read(SectorWords);
        await hears.BeginPacketAsync(ct);
        hears.Write(Inquiry);
        await hears.ReadyAsync(ct);
        var inquiry = hears.Read(InquiryWords);

        var (sectors, written) = (Words(content), Words(RandomNumberGenerator.GetBytes(2 * SectorBytes)));
        const int Before = SectorWords + Moved;
        await reads.BeginAsync(ReadSectors, 1, 2, ct);
        var read = reads.Read(SectorWords);
        await reads.ReadyAsync(ct);
        read = [.. read, .. reads.Read(Moved)];
        read.ShouldBe(sectors[SectorWords..][..Before], "the words of a disk that are read before the migration");
        await writes.BeginAsync(WriteSectors, 1, 2, ct);
        writes.Write(written[..SectorWords]);
        await writes.ReadyAsync(ct);
        writes.Write(written[SectorWords..Before]);
        await tells.BeginAsync(Identify, 0, 0, ct);
        tells.Read(Moved).ShouldBe(identity[..Moved], "the words of what a disk says of itself that are read before the migration");
        await hears.BeginPacketAsync(ct);
        hears.Write(Inquiry[..(PacketWords / 2)]);

        var migration = await pair.MigrateAsync(MigrationChannel.Tcp, ct);
        await migration.CompleteAsync(ct);

        foreach (var (name, drive) in drives)
        {
            drive.IsReady.ShouldBeTrue($"destination: whether the drive that {name}, of whose data some were moved before the migration, is ready to move the rest (DRQ)");
        }

        var rest = (2 * SectorWords) - Before;
        Check(reads.Read(rest), sectors[SectorWords..][Before..(2 * SectorWords)], $"the rest of a sector (READ SECTORS) of which {Moved} words were read before the migration");
        Check(tells.Read(SectorWords - Moved), identity[Moved..], $"the rest of what a disk says of itself (IDENTIFY DEVICE) of which {Moved} words were read before the migration");
        hears.Write(Inquiry[(PacketWords / 2)..]);
        await hears.ReadyAsync(ct);
        Check(hears.Read(InquiryWords), inquiry, "what a drive for discs says of itself (INQUIRY), asked for by a packet whose first half was written before the migration");
        writes.Write(written[Before..]);
        await writes.DoneAsync(ct);
        await writes.BeginAsync(ReadSectors, 1, 2, ct);
        var first = writes.Read(SectorWords);
        await writes.ReadyAsync(ct);
        Check([.. first, .. writes.Read(SectorWords)], written, $"two sectors, as they are on the disk (WRITE SECTORS): of the second {Moved} words were written before the migration, and the rest after it");
    }

    private static ushort PortsOf(int number) => (ushort)(FirstPorts + (number * PortsStep));

    private static ushort[] Words(byte[] bytes) => [.. bytes.Chunk(sizeof(ushort)).Select(word => BitConverter.ToUInt16(word))];

    // Hundreds of words would hide which is the first that is wrong.
    private static void Check(ushort[] seen, ushort[] expected, string what)
    {
        if (seen.AsSpan().CommonPrefixLength(expected) is var good && good < expected.Length)
        {
            Assert.Fail($"destination: {what}: word {good} of {expected.Length} should be 0x{expected[good]:x4} and was 0x{seen[good]:x4}; before it all were right");
        }
    }

    // A controller's first drive, where the guest is.
    private sealed class PioDrive(MigrationPair pair, ushort ports)
    {
        private const byte NoInterrupts = 2;
        private const byte FirstDriveByBlock = 0xe0;
        private const byte Packet = 0xa0;
        private const byte Busy = 0x80;
        private const byte Fault = 0x20;
        private const byte WantsData = 0x08;
        private const byte Error = 0x01;

        private QTestClient QTest => pair.Holder.Process.QTest!;

        private byte Status => QTest.In8((ushort)(ports + 7));

        public bool IsReady => (Status & (Busy | Fault | WantsData | Error)) == WantsData;

        public async Task BeginAsync(byte command, byte first, byte count, CancellationToken ct)
        {
            QTest.Out8((ushort)(ports + ControlAt), NoInterrupts);
            foreach (var (register, value) in new byte[] { 0, count, first, 0, 0, FirstDriveByBlock, command }.Index())
            {
                QTest.Out8((ushort)(ports + 1 + register), value);
            }

            await ReadyAsync(ct);
        }

        public async Task BeginPacketAsync(CancellationToken ct)
        {
            const byte LargestAnswer = 0xfe;
            QTest.Out8((ushort)(ports + ControlAt), NoInterrupts);
            foreach (var (register, value) in new byte[] { 0, 0, 0, LargestAnswer, byte.MaxValue, FirstDriveByBlock, Packet }.Index())
            {
                QTest.Out8((ushort)(ports + 1 + register), value);
            }

            await ReadyAsync(ct);
        }

        public Task ReadyAsync(CancellationToken ct) => WaitAsync(WantsData, "to be ready for data", ct);

        public Task DoneAsync(CancellationToken ct) => WaitAsync(0, "to be done", ct);

        public ushort[] Read(int words) => [.. Enumerable.Range(0, words).Select(_ => QTest.In16(ports))];

        public void Write(ushort[] words)
        {
            foreach (var word in words)
            {
                QTest.Out16(ports, word);
            }
        }

        private Task WaitAsync(byte wanted, string what, CancellationToken ct) =>
            Poll.UntilAsync(pair.Holder.Name, $"the drive at ports 0x{ports:x} {what}", _ => Task.FromResult((Status & (Busy | Fault | WantsData | Error)) == wanted ? this : null), () => $"status 0x{Status:x2}", pair.Environment.Limits.Command, ct);
    }
}
