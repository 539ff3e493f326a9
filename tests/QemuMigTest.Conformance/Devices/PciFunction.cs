using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A PCI function as a driver sees it, by qtest, where the guest is.</summary>
/// <param name="pair">The pair.</param>
/// <param name="slot">The device, 0 to 31 (<c>addr</c> of -device).</param>
/// <param name="function">0 to 7.</param>
/// <param name="bus">The bus's number; those of buses behind a bridge are the firmware's (<see cref="Behind"/>).</param>
internal sealed class PciFunction(MigrationPair pair, int slot, int function = 0, int bus = 0)
{
    private const ushort ConfigAddress = 0xcf8;
    private const ushort ConfigData = 0xcfc;
    private const int CommandAndStatus = 0x04;
    private const int ClassCode = 0x08;
    private const int FirstBar = 0x10;
    private const int Buses = 0x18;
    private const int IoWindow = 0x1c;
    private const int MemoryWindow = 0x20;
    private const int PrefetchableWindow = 0x24;
    private const int PrefetchableBase = 0x28;
    private const int PrefetchableLimit = 0x2c;
    private const int IoWindowHigh = 0x30;
    private const int Interrupts = 0x3c;
    private const uint InterruptStatus = 1 << 19;
    private const int FirstCapability = 0x34;
    private const ushort ReachedAndReaching = 7;
    private const ushort Reached = 3;
    private const int BarCount = 6;
    private const uint IsPort = 1;
    private const uint NoPort = 3;
    private const uint NoAddress = 0xf;
    private const uint WidthBits = 6;
    private const uint Wide = 4;
    private readonly uint _address = 0x8000_0000 | ((uint)bus << 16) | ((uint)slot << 11) | ((uint)function << 8);

    /// <summary>What <see cref="Class"/> is where there is no function.</summary>
    public const uint NoClass = 0xff_ffff;

    /// <summary>Its class, three bytes.</summary>
    public uint Class => Read(ClassCode) >> 8;

    /// <summary>Whether it wants an interrupt by its line (INTx).</summary>
    public bool WantsInterrupt => (Read(CommandAndStatus) & InterruptStatus) != 0;

    /// <summary>The PICs' input that its line is routed to, 0 to 15, as the firmware has set it.</summary>
    public int InterruptLine => (int)(Read(Interrupts) & 0xff);

    private QTestClient QTest => pair.Holder.Process.QTest!;

    /// <summary>Lets it be reached, by memory and by ports, and reach memory itself.</summary>
    public void Enable() => Write16(CommandAndStatus, (ushort)(Read16(CommandAndStatus) | ReachedAndReaching));

    /// <summary>Lets it be reached, and reach nothing.</summary>
    public void EnableOnlyToBeReached() => Write16(CommandAndStatus, Reached);

    /// <summary>Its ranges of registers, with their sizes: asks for these as a firmware does, by which it is not reached while it does.</summary>
    public IReadOnlyList<(int Bar, bool IsPort, ulong Start, uint Bytes)> FindRanges()
    {
        Write16(CommandAndStatus, 0);
        var ranges = new List<(int, bool, ulong, uint)>();
        for (var bar = 0; bar < BarCount; bar++)
        {
            var (at, was) = (FirstBar + (bar * sizeof(uint)), Read(FirstBar + (bar * sizeof(uint))));
            Write(at, uint.MaxValue);
            var (isPort, mask) = ((was & IsPort) != 0, Read(at));
            Write(at, was);
            if (mask != 0)
            {
                // Of a port's number a function may know 16 bits only.
                ranges.Add((bar, isPort, isPort ? was & ~NoPort : BaseAddress(bar), ~(isPort ? (mask | 0xffff_0000) & ~NoPort : mask & ~NoAddress) + 1));
                bar += !isPort && (was & WidthBits) == Wide ? 1 : 0;
            }
        }

        return ranges;
    }

    /// <summary>A device behind this, which is a bridge.</summary>
    /// <param name="number">The device's own slot there, 0 to 31.</param>
    public PciFunction Behind(int number) => new(pair, number, bus: (int)((Read(Buses) >> 8) & 0xff));

    /// <summary>What this, a bridge, hands on to the bus behind it, each with its name.</summary>
    public IReadOnlyList<string> DescribeBridge() =>
    [
        $"command: 0x{Read16(CommandAndStatus):x}, bridge control: 0x{Read16(Interrupts + 2):x}",
        $"buses: 0x{Read(Buses) & 0xff_ffff:x}",
        $"ports: 0x{Read16(IoWindow):x}, high: 0x{Read(IoWindowHigh):x}",
        $"memory: 0x{Read(MemoryWindow):x}",
        $"prefetchable memory: 0x{Read(PrefetchableWindow):x}, high: from 0x{Read(PrefetchableBase):x} to 0x{Read(PrefetchableLimit):x}",
    ];

    /// <summary>Where the firmware has put a range of its registers, guest-physical.</summary>
    /// <param name="bar">0 to 5.</param>
    public ulong BaseAddress(int bar)
    {
        var low = Read(FirstBar + (bar * sizeof(uint)));
        return (low & ~NoAddress) | ((low & WidthBits) == Wide ? (ulong)Read(FirstBar + ((bar + 1) * sizeof(uint))) << 32 : 0);
    }

    /// <summary>Where in its configuration space its capabilities of a kind are.</summary>
    /// <param name="id">PCI's id of the kind.</param>
    public IEnumerable<int> Capabilities(byte id)
    {
        for (var at = (int)(Read(FirstCapability) & 0xfc); at != 0; at = (int)((Read(at) >> 8) & 0xfc))
        {
            if ((byte)Read(at) == id)
            {
                yield return at;
            }
        }
    }

    /// <summary>Four bytes of its configuration space.</summary>
    /// <param name="register">A multiple of 4.</param>
    public uint Read(int register)
    {
        QTest.Out32(ConfigAddress, _address | (uint)register);
        return QTest.In32(ConfigData);
    }

    /// <summary>What qtest is to do before <see cref="ReadAddressed"/>, on either side.</summary>
    /// <param name="register">A multiple of 4.</param>
    public string AddressOf(int register) => $"outl 0x{ConfigAddress:x} 0x{_address | (uint)register:x}";

    /// <summary>Reads what <see cref="AddressOf"/> has chosen.</summary>
    public static string ReadAddressed { get; } = $"inl 0x{ConfigData:x}";

    /// <summary>Writes four bytes of it.</summary>
    /// <param name="register">A multiple of 4.</param>
    /// <param name="value">What.</param>
    public void Write(int register, uint value)
    {
        QTest.Out32(ConfigAddress, _address | (uint)register);
        QTest.Out32(ConfigData, value);
    }

    /// <summary>Two bytes of it.</summary>
    /// <param name="register">A multiple of 2.</param>
    public ushort Read16(int register) => (ushort)(Read(register & ~3) >> (8 * (register & 2)));

    /// <summary>Writes two bytes of it.</summary>
    /// <param name="register">A multiple of 2.</param>
    /// <param name="value">What.</param>
    public void Write16(int register, ushort value)
    {
        QTest.Out32(ConfigAddress, _address | (uint)(register & ~3));
        QTest.Out16((ushort)(ConfigData + (register & 2)), value);
    }

    /// <summary>Writes a byte of it.</summary>
    /// <param name="register">Which.</param>
    /// <param name="value">What.</param>
    public void Write8(int register, byte value)
    {
        QTest.Out32(ConfigAddress, _address | (uint)(register & ~3));
        QTest.Out8((ushort)(ConfigData + (register & 3)), value);
    }
}
