using System.Buffers.Binary;
using QemuMigTest.Processes;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>Of a PCI device most of whose registers are in memory.</summary>
/// <param name="device">The model.</param>
/// <param name="bar">Which of its ranges has them, 0 to 5.</param>
/// <param name="length">How many bytes of it are read, a multiple of 4.</param>
/// <param name="planted">What is written, in order: where in the range, how many bytes, what.</param>
internal class MappedRegisters(string? device, int bar, int length, IEnumerable<(int At, int Bytes, uint Value)> planted) : DeviceRegisters
{
    private static readonly string[] Writes = ["", "writeb", "writew", "", "writel"];

    /// <summary>The range's guest-physical address.</summary>
    protected ulong Base { get; private set; }

    public override QemuCommandLine Arguments => device is null ? new() : new QemuCommandLine().With("-device", $"{device},addr={Slot}");

    public override void Plant(MigrationPair pair)
    {
        var function = FunctionIn(pair);
        function.Enable();
        Base = function.BaseAddress(bar);
        var script = new QTestScript();
        foreach (var (at, bytes, value) in planted)
        {
            script.Do($"{Writes[bytes]} 0x{Base + (ulong)at:x} 0x{value:x}");
        }

        script.Execute(pair.Source.Process.QTest!);
    }

    public override IReadOnlyDictionary<string, ulong> Read(QTestClient qtest)
    {
        var bytes = qtest.Read(Base, length);
        var values = Enumerable.Range(0, length / sizeof(uint)).ToDictionary(i => $"register 0x{i * sizeof(uint):x}", i => (ulong)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(i * sizeof(uint))));
        var script = new QTestScript();
        ReadMore(script);
        foreach (var (name, value) in script.Execute(qtest))
        {
            values.Add(name, value);
        }

        return values;
    }

    /// <summary>The device.</summary>
    protected virtual PciFunction FunctionIn(MigrationPair pair) => new(pair, Slot);

    /// <summary>What lies behind registers.</summary>
    protected virtual void ReadMore(QTestScript script)
    {
    }
}
