using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices;

/// <summary>What firmware locks of a q35's chipset, until the next reset. That a register cannot be changed any more is nothing that its value says.</summary>
internal sealed class ChipsetLocks
{
    private const int IsaBridge = 0x1f;
    private const uint IsaBridgeClass = 0x06_0100;
    private const int HostBridge = 0;
    private const int PowerManagementControl = 0xa0;
    private const ushort SmiLock = 0x10;
    private const ushort SmiEnable = 0x630;

    // The high byte is that of the firmware's memory (SMRAM).
    private const int FirmwareMemory = 0x9c;
    private const ushort Open = 0x4000;
    private const ushort MemoryLock = 0x1000;

    // The low byte is that of its memory at the top of all (TSEG).
    private const int MoreFirmwareMemory = 0x9e;
    private const ushort IsThere = 1;

    private readonly PciFunction _isa;
    private readonly PciFunction _host;
    private readonly MigrationPair _pair;
    private readonly IReadOnlyList<string> _locked;

    private ChipsetLocks(MigrationPair pair)
    {
        (_pair, _isa, _host) = (pair, new(pair, IsaBridge), new(pair, HostBridge));
        _isa.Write16(PowerManagementControl, (ushort)(_isa.Read16(PowerManagementControl) | SmiLock));
        _host.Write16(FirmwareMemory, (ushort)(_host.Read16(FirmwareMemory) | MemoryLock));
        _locked = Describe();
    }

    /// <summary>Locks all there is to lock; null on a machine that has none of it.</summary>
    public static ChipsetLocks? Lock(MigrationPair pair)
    {
        if (new PciFunction(pair, IsaBridge).Class != IsaBridgeClass)
        {
            return null;
        }

        var locks = new ChipsetLocks(pair);
        locks.Check();
        return locks;
    }

    /// <summary>Tries to unlock and to change it, where the guest is.</summary>
    public void Check()
    {
        _isa.Write16(PowerManagementControl, (ushort)(_isa.Read16(PowerManagementControl) & ~SmiLock));
        var enabled = QTest.In32(SmiEnable);
        QTest.Out32(SmiEnable, enabled ^ 1);
        _host.Write16(FirmwareMemory, (ushort)((_host.Read16(FirmwareMemory) & ~MemoryLock) | Open));
        _host.Write16(MoreFirmwareMemory, (ushort)(_host.Read16(MoreFirmwareMemory) ^ IsThere));
        Describe().ShouldBe(_locked, $"{_pair.Holder.Name}: what was locked, after an attempt to change it: it holds until the next reset");
    }

    private QTestClient QTest => _pair.Holder.Process.QTest!;

    private IReadOnlyList<string> Describe() =>
    [
        $"SMI_LOCK of the ISA bridge: {_isa.Read16(PowerManagementControl) & SmiLock:x}",
        $"SMIs enabled: {QTest.In32(SmiEnable) & 1}",
        $"SMRAM: {_host.Read16(FirmwareMemory) >> 8:x}",
        $"TSEG: {_host.Read16(MoreFirmwareMemory) & byte.MaxValue:x}",
    ];
}
