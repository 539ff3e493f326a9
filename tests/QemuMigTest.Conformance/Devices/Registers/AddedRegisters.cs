using System.Buffers.Binary;
using QemuMigTest.QTest;

namespace QemuMigTest.Conformance.Devices.Registers;

/// <summary>All registers of a device that are within the reach of its driver: the first 64 KiB of each range, of which 4 KiB are written to, and its configuration space where it is one of PCI's.</summary>
internal sealed class AddedRegisters
{
    private const int MostBytes = 0x1_0000;
    private const int MostPlanted = 0x1000;
    private const int ConfigurationBytes = 256;

    // The same in each run: what a device makes of it is found again.
    private const int Seed = 20;

    // Some registers take no value with a certain bit in it: then another one.
    private static readonly uint[] Masks = [uint.MaxValue, 0x1224_9245, 0x4492_4928];

    private readonly AddedDevice _device;
    private readonly PciFunction? _function;
    private readonly List<(string Name, bool IsPort, ulong Start, int Bytes, int Width)> _ranges = [];

    /// <summary>Finds them, where the firmware has put them, and lets a driver reach them.</summary>
    /// <param name="pair">The pair; the guest is stopped on the source.</param>
    /// <param name="device">The device.</param>
    /// <param name="slot">Where it is on PCI's first bus.</param>
    public AddedRegisters(MigrationPair pair, AddedDevice device, int slot)
    {
        _device = device;
        if (device.Ports is { } ports)
        {
            _ranges.AddRange(ports.Select(range => ("port", true, (ulong)range.First, range.Count, sizeof(byte))));
            return;
        }

        _function = new(pair, slot);
        _function.Class.ShouldNotBe(PciFunction.NoClass, $"{device.Model} in slot {slot} of PCI's first bus");
        foreach (var (bar, isPort, start, bytes) in _function.FindRanges())
        {
            _ranges.Add(($"range {bar},", isPort, start, (int)Math.Min(bytes, MostBytes), sizeof(uint)));
        }

        if (device.ReachesMemory)
        {
            _function.Enable();
        }
        else
        {
            _function.EnableOnlyToBeReached();
        }
    }

    /// <summary>Writes to them on the source.</summary>
    public void Plant(MigrationPair pair)
    {
        var (script, values) = (new QTestScript(), new Random(Seed));
        foreach (var most in _device.Planted is null ? Masks : [])
        {
            foreach (var (_, isPort, start, bytes, width) in _ranges)
            {
                for (var at = 0; at + width <= Math.Min(bytes, MostPlanted); at += width)
                {
                    script.Do($"{(isPort ? "out" : "write")}{Letter(width)} 0x{start + (ulong)at:x} 0x{values.NextInt64(1L << 32) & most & (width == sizeof(byte) ? byte.MaxValue : uint.MaxValue):x}");
                }
            }
        }

        foreach (var (at, bytes, value) in _device.Planted ?? [])
        {
            script.Do($"{(_ranges[0].IsPort ? "out" : "write")}{Letter(bytes)} 0x{_ranges[0].Start + (ulong)at:x} 0x{value:x}");
        }

        script.Execute(pair.Source.Process.QTest!);
    }

    /// <summary>Reads them on a side, in which the device is, wherever the guest is. Reading may change the device.</summary>
    public IReadOnlyDictionary<string, ulong> Read(MigrationSide side)
    {
        var (qtest, values, script) = (side.Process.QTest!, new Dictionary<string, ulong>(), new QTestScript());
        foreach (var (name, isPort, start, bytes, width) in _ranges)
        {
            // Ports are read one by one; what else there is, at once.
            var memory = isPort ? [] : qtest.Read(start, bytes);
            for (var at = 0; at + width <= bytes; at += width)
            {
                var register = $"{_device.Model}, {name} 0x{(width == sizeof(byte) ? start + (ulong)at : (ulong)at):x}";
                if (isPort)
                {
                    script.Read(register, $"in{Letter(width)} 0x{start + (ulong)at:x}");
                }
                else
                {
                    values.Add(register, BinaryPrimitives.ReadUInt32LittleEndian(memory.AsSpan(at)));
                }
            }
        }

        for (var at = 0; at < ConfigurationBytes && _function is not null; at += sizeof(uint))
        {
            script.Do(_function.AddressOf(at)).Read($"{_device.Model}, configuration 0x{at:x}", PciFunction.ReadAddressed);
        }

        foreach (var (register, value) in script.Execute(qtest))
        {
            values.Add(register, value);
        }

        return values;
    }

    private static char Letter(int width) => width switch { sizeof(byte) => 'b', sizeof(ushort) => 'w', _ => 'l' };
}
