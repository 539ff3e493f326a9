using System.Buffers.Binary;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Has a drive on q35's controller, the disk or one for discs, execute commands, as a driver would, where the guest is. Nobody else uses it after the boot.</summary>
/// <param name="pair">The pair, which is told of all pages that are written.</param>
/// <param name="number">The drive's port, 0 to 5; the first that has one where none is given. One drive is used at a time.</param>
/// <param name="controller">Another controller than that.</param>
internal sealed class AhciDisk(MigrationPair pair, int? number = null, PciFunction? controller = null)
{
    private const int SectorBytes = 512;
    private const int PageSize = 4096;

    // The page of its commands, that of its replies, that of the first command.
    private const uint List = 0x5_8000;
    private const uint Replies = 0x5_9000;
    private const uint Table = 0x5_a000;

    private const int Slot = 0x1f;
    private const int Function = 2;
    private const int RegistersBar = 5;
    private const uint ClassAhci = 0x01_0601;

    private const int GlobalControl = 0x04;
    private const int PortsImplemented = 0x0c;
    private const int FirstPort = 0x100;
    private const int PortBytes = 0x80;
    private const uint Enabled = 0x8000_0000;

    // Registers of a port.
    private const int CommandListBase = 0x00;
    private const int ReplyBase = 0x08;
    private const int InterruptStatus = 0x10;
    private const int PortCommand = 0x18;
    private const int TaskFile = 0x20;
    private const int SataStatus = 0x28;
    private const int CommandIssue = 0x38;

    // Start, spin up, power on, take replies.
    private const uint Running = 0x17;
    private const uint DevicePresent = 3;
    private const uint Stopped = 0x16;
    private const uint TaskFileError = 1;
    private const uint ErrorInterrupt = 1 << 30;

    // A command's registers are 5 dwords; it has one range of memory, or none.
    private const uint FrameDwords = 5;
    private const uint HasPacket = 1 << 5;
    private const uint OneRange = 1 << 16;

    // ATA's commands.
    private const byte ReadDma = 0xc8;
    private const byte Identify = 0xec;
    private const byte SetFeatures = 0xef;
    private const byte Packet = 0xa0;
    private const byte ByDma = 1;
    private const int PacketOffset = 0x40;
    private const int RangesOffset = 0x80;

    private readonly PciFunction _function = controller ?? new(pair, Slot, Function);

    /// <summary>What is in its first sector: the program that the guest boots from it.</summary>
    public ReadOnlyMemory<byte> Sector { get; init; } = pair.Program.Image;

    private QTestClient QTest => pair.Holder.Process.QTest!;

    private int Port => number is { } known ? FirstPort + (known * PortBytes) : Enumerable.Range(0, 32).Where(port => (Read(PortsImplemented) & (1u << port)) != 0)
        .Select(port => FirstPort + (port * PortBytes)).First(port => (Read(port + SataStatus) & 0xf) == DevicePresent);

    /// <summary>The class of the PCI function where the controller is on a q35; all bits set where there is none.</summary>
    public uint Class => _function.Class;

    /// <summary>Whether that is a controller which this can drive.</summary>
    public bool IsThere => Class == ClassAhci;

    /// <summary>Starts it: once, for a migration brings all of it along.</summary>
    public void Start()
    {
        _function.Enable();
        Write(GlobalControl, Read(GlobalControl) | Enabled);
        var port = Port;
        Write(port + PortCommand, 0);
        Write(port + CommandListBase, List);
        Write(port + ReplyBase, Replies);
        Write(port + PortCommand, Running);
    }

    /// <summary>Has it read the disk's first sector into the beginning of a page that is zero, and waits until it has.</summary>
    /// <param name="page">The page, guest-physical.</param>
    /// <param name="when">When that is: <c>in pass 2</c>.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task ReadAsync(uint page, string when, CancellationToken ct) => ReadAsync(page, page, when, ct);

    /// <summary>Has it read the disk's first sector into a page that an IOMMU has put elsewhere.</summary>
    /// <param name="seen">The page, as the disk's controller is told.</param>
    /// <param name="page">Where that is, guest-physical.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task ReadAsync(uint seen, uint page, string when, CancellationToken ct)
    {
        await ExecuteAsync(ReadDma, 0, 1, seen, "to read a sector", when, ct);
        var content = new byte[PageSize];
        Sector.Span.CopyTo(content);
        pair.Expect(page, content, $"by its disk, {when}");
    }

    /// <summary>Asks it what it is, and what it was set to.</summary>
    /// <param name="page">The page, guest-physical, of which its 512 bytes are the beginning; the rest is zero.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]> IdentifyAsync(uint page, string when, CancellationToken ct)
    {
        await ExecuteAsync(Identify, 0, 0, page, "to say what it is", when, ct);
        var content = QTest.Read(page, PageSize);
        pair.Expect(page, content, $"by its disk, {when}");
        return content[..SectorBytes];
    }

    /// <summary>Sets a feature (SET FEATURES).</summary>
    /// <param name="feature">ATA's number of it.</param>
    /// <param name="value">What goes with it.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    public Task SetFeatureAsync(byte feature, byte value, string when, CancellationToken ct) => ExecuteAsync(SetFeatures, feature, value, null, $"to set feature 0x{feature:x}", when, ct);

    /// <summary>Has it execute a packet command, as drives for discs do.</summary>
    /// <param name="packet">The command, at most 12 bytes.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <returns>The sense key: 0 where it did as it was told.</returns>
    public async Task<int> SendPacketAsync(ReadOnlyMemory<byte> packet, string when, CancellationToken ct) =>
        (int)(await TryAsync(Packet, ByDma, 0, packet, null, 0, $"to execute packet command 0x{packet.Span[0]:x}", when, ct) >> 12) & 0xf;

    /// <summary>Has it answer a packet command.</summary>
    /// <param name="packet">The command, at most 12 bytes.</param>
    /// <param name="page">The page that the answer goes to, guest-physical.</param>
    /// <param name="length">The answer's, bytes.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]> AskByPacketAsync(ReadOnlyMemory<byte> packet, uint page, int length, string when, CancellationToken ct)
    {
        ThrowIfFailed(await TryAsync(Packet, ByDma, 0, packet, page, length, $"to answer packet command 0x{packet.Span[0]:x}", when, ct));
        var content = QTest.Read(page, PageSize);
        pair.Expect(page, content, $"by its drive, {when}");
        return content[..length];
    }

    private static void ThrowIfFailed(uint taskFile) => (taskFile & TaskFileError).ShouldBe(0u, "the disk's error bit");

    private async Task ExecuteAsync(byte command, byte feature, byte count, uint? page, string what, string when, CancellationToken ct) =>
        ThrowIfFailed(await TryAsync(command, feature, count, ReadOnlyMemory<byte>.Empty, page, page is null ? 0 : SectorBytes, what, when, ct));

    // Gives what the drive says of it.
    private async Task<uint> TryAsync(byte command, byte feature, byte count, ReadOnlyMemory<byte> packet, uint? page, int length, string what, string when, CancellationToken ct)
    {
        var table = new byte[PageSize];
        new byte[] { 0x27, 0x80, command, feature, 0, 0, 0, 0x40, 0, 0, 0, 0, count }.CopyTo(table, 0);
        packet.Span.CopyTo(table.AsSpan(PacketOffset));
        var list = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(list, FrameDwords | (packet.IsEmpty ? 0 : HasPacket) | (page is null ? 0 : OneRange));
        BinaryPrimitives.WriteUInt32LittleEndian(list.AsSpan(8), Table);
        if (page is { } range)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(RangesOffset), range);
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(RangesOffset + 12), (uint)length - 1);
        }

        QTest.Write(Table, table);
        QTest.Write(List, list);

        var port = Port;
        Write(port + InterruptStatus, uint.MaxValue);
        Write(port + CommandIssue, 1);
        await Poll.UntilAsync(pair.Holder.Name, $"its disk {what}", _ => Task.FromResult(Read(port + CommandIssue) == 0 || HasFailed(port) ? this : null),
            () => $"command 0x{Read(port + PortCommand):x}, task file 0x{Read(port + TaskFile):x}", pair.Environment.Limits.Command, ct);
        var taskFile = Read(port + TaskFile);
        if (HasFailed(port))
        {
            // It takes no other command before.
            Write(port + PortCommand, Stopped);
            Write(port + PortCommand, Running);
        }

        // The controller notes there how much it has moved.
        BinaryPrimitives.WriteUInt32LittleEndian(list.AsSpan(4), (uint)length);
        pair.Expect(Table, table, $"for its disk, {when}");
        pair.Expect(List, list, $"for its disk, {when}");
        pair.Expect(Replies, QTest.Read(Replies, PageSize), $"by its disk controller, {when}");
        return taskFile;
    }

    private bool HasFailed(int port) => (Read(port + InterruptStatus) & ErrorInterrupt) != 0;

    private uint Read(int register) => BinaryPrimitives.ReadUInt32LittleEndian(QTest.Read(Registers + (ulong)register, sizeof(uint)));

    private void Write(int register, uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        QTest.Write(Registers + (ulong)register, bytes);
    }

    private ulong Registers => _function.BaseAddress(RegistersBar);
}
