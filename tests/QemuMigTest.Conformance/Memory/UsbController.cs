using System.Buffers.Binary;
using QemuMigTest.Conformance.Devices;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Memory;

/// <summary>Has a device on an EHCI controller's first port tell what it is, as a driver would, where the guest is. Nobody else uses the controller after the boot.</summary>
/// <param name="pair">The pair, which is told of all pages that are written.</param>
/// <param name="slot">Where the controller is.</param>
internal sealed class UsbController(MigrationPair pair, int slot)
{
    /// <summary>What a device tells, bytes.</summary>
    public const int DescriptorBytes = 18;

    private const int PageSize = 4096;

    // The page of its queue, the queue's three transfers, and the request.
    private const uint Queue = 0x5_8000;
    private const uint Setup = Queue + 0x80;
    private const uint Data = Queue + 0xa0;
    private const uint Status = Queue + 0xc0;
    private const uint Request = Queue + 0x100;

    // Registers; those behind the first come after its value.
    private const int CapabilityBytes = 0x00;
    private const int Command = 0x00;
    private const int State = 0x04;
    private const int QueueAddress = 0x18;
    private const int Configured = 0x40;
    private const int Port = 0x44;

    private const uint Run = 1;
    private const uint Reset = 2;
    private const uint RunsQueue = 1 << 5;
    private const uint Halted = 1 << 12;
    private const uint PortEnabled = 1 << 2;
    private const uint PortReset = 1 << 8;
    private const uint PortPower = 1 << 12;

    // Of links, of a queue, of a transfer.
    private const uint NoMore = 1;
    private const uint IsQueue = 2;
    private const uint HighSpeed = 2 << 12;
    private const uint TogglesByTransfer = 1 << 14;
    private const uint FirstQueue = 1 << 15;
    private const uint SixtyFourBytes = 64 << 16;
    private const uint OncePerFrame = 1 << 30;
    private const uint Active = 1 << 7;
    private const uint ThreeTries = 3 << 10;
    private const uint Toggled = 1u << 31;
    private const uint Out = 0;
    private const uint In = 1;
    private const uint SetupToken = 2;
    private const uint Errors = 0x7c;

    // GET_DESCRIPTOR of the device.
    private static readonly byte[] GetDescriptor = [0x80, 6, 0, 1, 0, 0, DescriptorBytes, 0];

    private readonly PciFunction _function = new(pair, slot);

    private QTestClient QTest => pair.Holder.Process.QTest!;

    private ulong Registers => field == 0 ? field = _function.BaseAddress(0) + QTest.ReadByte(_function.BaseAddress(0) + CapabilityBytes) : field;

    /// <summary>Starts it, and resets its device: once, for a migration brings all of it along.</summary>
    public void Start()
    {
        _function.Enable();
        Write(Command, Reset);
        Write(Configured, 1);
        Write(Port, PortPower | PortReset);
        Write(Port, PortPower);
        (Read(Port) & PortEnabled).ShouldBe(PortEnabled, $"the port, 0x{Read(Port):x}, should have a device of high speed");
    }

    /// <summary>Has the device tell what it is, and waits until it has. The controller stands still before and afterwards. The guest must be running.</summary>
    /// <param name="address">Where to, guest-physical; those bytes may be of two pages.</param>
    /// <param name="when">When that is.</param>
    /// <param name="ct">Ends the wait.</param>
    public async Task<byte[]> DescribeAsync(uint address, string when, CancellationToken ct)
    {
        var page = new byte[PageSize];
        Put(page, Queue, Queue | IsQueue, HighSpeed | TogglesByTransfer | FirstQueue | SixtyFourBytes, OncePerFrame, 0, Setup, NoMore);
        Put(page, Setup, Data, NoMore, Token(SetupToken, (uint)GetDescriptor.Length), Request);
        Put(page, Data, Status, NoMore, Token(In, DescriptorBytes) | Toggled, address, (address + PageSize) & ~(PageSize - 1u));
        Put(page, Status, NoMore, NoMore, Token(Out, 0) | Toggled);
        GetDescriptor.CopyTo(page, (int)(Request - Queue));
        QTest.Write(Queue, page);

        Write(QueueAddress, Queue);
        Write(Command, Run | RunsQueue);
        await Poll.UntilAsync(pair.Holder.Name, $"its USB device to tell what it is, {when}", _ => Task.FromResult((TokenOf(Status) & Active) == 0 ? this : null),
            () => $"controller 0x{Read(State):x}, port 0x{Read(Port):x}, transfers 0x{TokenOf(Setup):x}, 0x{TokenOf(Data):x}, 0x{TokenOf(Status):x}", pair.Environment.Limits.Command, ct);
        Write(Command, 0);
        await Poll.UntilAsync(pair.Holder.Name, "its USB controller to stand still", _ => Task.FromResult((Read(State) & Halted) != 0 ? this : null),
            () => $"controller 0x{Read(State):x}", pair.Environment.Limits.Command, ct);
        new[] { Setup, Data, Status }.Select(transfer => TokenOf(transfer) & Errors).ShouldBe([0u, 0u, 0u], "the errors of the three transfers");

        pair.Expect(Queue, QTest.Read(Queue, PageSize), $"by its USB controller, {when}");
        return QTest.Read(address, DescriptorBytes);
    }

    private static uint Token(uint kind, uint bytes) => Active | (kind << 8) | ThreeTries | (bytes << 16);

    private static void Put(byte[] page, uint address, params ReadOnlySpan<uint> words)
    {
        foreach (var word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan((int)(address - Queue)), word);
            address += sizeof(uint);
        }
    }

    private uint TokenOf(uint transfer) => BinaryPrimitives.ReadUInt32LittleEndian(QTest.Read(transfer + 8, sizeof(uint)));

    private uint Read(int register) => BinaryPrimitives.ReadUInt32LittleEndian(QTest.Read(Registers + (ulong)register, sizeof(uint)));

    private void Write(int register, uint value)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        QTest.Write(Registers + (ulong)register, bytes);
    }
}
