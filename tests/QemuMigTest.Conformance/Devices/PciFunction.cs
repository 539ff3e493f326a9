using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A function on PCI's bus 0 as a driver sees it, by qtest, where the guest is.</summary>
/// <param name="pair">The pair.</param>
/// <param name="slot">The device, 0 to 31 (<c>addr</c> of -device).</param>
/// <param name="function">0 to 7.</param>
internal sealed class PciFunction(MigrationPair pair, int slot, int function = 0)
{
    private const ushort ConfigAddress = 0xcf8;
    private const ushort ConfigData = 0xcfc;
    private const int CommandAndStatus = 0x04;
    private const int ClassCode = 0x08;
    private const int FirstBar = 0x10;
    private const int Interrupts = 0x3c;
    private const uint InterruptStatus = 1 << 19;
    private const int FirstCapability = 0x34;
    private const ushort MemoryAndBusMaster = 6;
    private const uint NoAddress = 0xf;
    private const uint WidthBits = 6;
    private const uint Wide = 4;
    private readonly uint _address = 0x8000_0000 | ((uint)slot << 11) | ((uint)function << 8);

    /// <summary>What <see cref="Class"/> is where there is no function.</summary>
    public const uint NoClass = 0xff_ffff;

    /// <summary>Its class, three bytes.</summary>
    public uint Class => Read(ClassCode) >> 8;

    /// <summary>Whether it wants an interrupt by its line (INTx).</summary>
    public bool WantsInterrupt => (Read(CommandAndStatus) & InterruptStatus) != 0;

    /// <summary>The PICs' input that its line is routed to, 0 to 15, as the firmware has set it.</summary>
    public int InterruptLine => (int)(Read(Interrupts) & 0xff);

    private QTestClient QTest => pair.Holder.Process.QTest!;

    /// <summary>Lets it be reached in memory, and reach memory itself.</summary>
    public void Enable()
    {
        QTest.Out32(ConfigAddress, _address | CommandAndStatus);
        QTest.Out16(ConfigData, (ushort)(QTest.In16(ConfigData) | MemoryAndBusMaster));
    }

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
}
