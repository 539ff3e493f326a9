using System.Buffers.Binary;

namespace QemuMigTest.Conformance.Devices;

/// <summary>Drives a virtio device on PCI (virtio 1.0 and later) as a guest's driver would, by qtest, where the guest is. A migration brings all of it along.</summary>
internal sealed class VirtioDevice
{
    /// <summary>Where the tests have their virtio device (<c>addr</c> of -device).</summary>
    public const int Slot = 6;

    private const byte VendorSpecific = 0x09;

    // Structures that vendor specific capabilities lead to.
    private const uint Common = 1;
    private const uint Notify = 2;
    private const uint InterruptStatus = 3;
    private const uint Configuration = 4;

    // Of the common structure.
    private const int DeviceFeatureSelect = 0x00;
    private const int DriverFeatureSelect = 0x08;
    private const int DriverFeature = 0x0c;
    private const int ConfigVector = 0x10;
    private const int DeviceStatus = 0x14;
    private const int QueueSelect = 0x16;
    private const int QueueSize = 0x18;
    private const int QueueVector = 0x1a;
    private const int QueueEnable = 0x1c;
    private const int QueueNotifyOffset = 0x1e;
    private const int QueueDescriptors = 0x20;
    private const int QueueAvailable = 0x28;
    private const int QueueUsed = 0x30;

    private const byte Known = 3;
    private const byte FeaturesAgreed = 8;
    private const byte Driven = 4;
    private const byte NeedsReset = 0x40;
    private const ulong Version1 = 1UL << 32;

    private const ushort NoVector = 0xffff;
    private const int VectorCount = 2;

    private readonly MigrationPair _pair;
    private readonly ulong _common;
    private readonly ulong _notify;
    private readonly uint _notifyStep;
    private readonly ulong _interruptStatus;
    private readonly ulong _configuration;
    private readonly MsiX? _vectors;
    private readonly List<ushort> _queues = [];

    /// <param name="pair">The pair; it is told of all pages that are written.</param>
    /// <param name="slot">Where its device is, on bus 0.</param>
    public VirtioDevice(MigrationPair pair, int slot = Slot)
        : this(pair, new PciFunction(pair, slot), $"slot {slot}")
    {
    }

    /// <param name="pair">The pair; it is told of all pages that are written.</param>
    /// <param name="function">Where its device is.</param>
    /// <param name="place">The same, for the error where there is none.</param>
    public VirtioDevice(MigrationPair pair, PciFunction function, string place)
    {
        _pair = pair;
        function.Class.ShouldNotBe(PciFunction.NoClass, $"there should be a device in {place}");
        function.Enable();
        foreach (var at in function.Capabilities(VendorSpecific))
        {
            var address = function.BaseAddress((byte)function.Read(at + 4)) + function.Read(at + 8);
            switch (function.Read(at) >> 24)
            {
                case Common:
                    _common = address;
                    break;
                case Notify:
                    (_notify, _notifyStep) = (address, function.Read(at + 16));
                    break;
                case InterruptStatus:
                    _interruptStatus = address;
                    break;
                case Configuration:
                    _configuration = address;
                    break;
            }
        }

        _vectors = MsiX.Of(pair, function);
    }

    /// <summary>The vector by which it tells that its configuration has changed, or that it wants to be reset.</summary>
    public const ushort ChangeVector = 0;

    /// <summary>The vector by which it tells of requests that are done.</summary>
    public const ushort DoneVector = 1;

    /// <summary>Its vectors.</summary>
    public MsiX Vectors => _vectors ?? throw new InvalidOperationException("It has no MSI-X.");

    /// <summary>Whether its driver has told it to work.</summary>
    public bool IsDriven => (Read(DeviceStatus, 1) & ~(uint)NeedsReset) == (Known | FeaturesAgreed | Driven);

    /// <summary>Whether something went so wrong that it does nothing until it is reset.</summary>
    public bool WantsReset => (Read(DeviceStatus, 1) & NeedsReset) != 0;

    /// <summary>Resets it and agrees on features, virtio 1.0 among them. Its vectors get messages that are planted: they are masked, and nobody waits for them.</summary>
    /// <param name="features">The feature bits that the driver wants.</param>
    public void Begin(ulong features)
    {
        features |= Version1;
        Write(DeviceStatus, 0, 1);
        Write(DeviceStatus, Known, 1);
        for (var half = 0; half < 2; half++)
        {
            Write(DriverFeatureSelect, (ulong)half, 4);
            Write(DriverFeature, (uint)(features >> (32 * half)), 4);
        }

        Write(DeviceStatus, Known | FeaturesAgreed, 1);
        (Read(DeviceStatus, 1) & FeaturesAgreed).ShouldBe(FeaturesAgreed, $"the device should take the features 0x{features:x}");
        Write(ConfigVector, _vectors is null ? NoVector : ChangeVector, 2);
        for (var vector = 0; vector < VectorCount; vector++)
        {
            _vectors?.Set(vector, 0xfee0_0000 + ((uint)vector << 12), 0x51u + (uint)vector, masked: true);
        }
    }

    /// <summary>Sets a queue up.</summary>
    /// <param name="index">Which.</param>
    /// <param name="page">The first of the <see cref="Virtqueue.Pages"/> pages that it is in, guest-physical, all zero.</param>
    /// <param name="size">How many descriptors it has: a power of two, not more than the device's.</param>
    public Virtqueue AddQueue(ushort index, uint page, ushort size = Virtqueue.Size)
    {
        Write(QueueSelect, index, 2);
        Write(QueueSize, size, 2);
        Write(QueueVector, _vectors is null ? NoVector : DoneVector, 2);
        var queue = new Virtqueue(_pair, index, page, _notify + (Read(QueueNotifyOffset, 2) * _notifyStep), size);
        foreach (var (register, address) in new[] { (QueueDescriptors, queue.Descriptors), (QueueAvailable, queue.Available), (QueueUsed, queue.Used) })
        {
            Write(register, address, 4);
            Write(register + sizeof(uint), 0, 4);
        }

        Write(QueueEnable, 1, 2);
        _queues.Add(index);
        return queue;
    }

    /// <summary>Lets it work: its queues are set up.</summary>
    public void Go() => Write(DeviceStatus, Known | FeaturesAgreed | Driven, 1);

    /// <summary>Whether it has an interrupt pending that no one has taken; it has none when this returns. Without MSI-X its line goes down.</summary>
    public bool TakeInterrupt() => (TakeInterrupts() & 1) != 0;

    /// <summary>The same with all that it may be of: bit 0 for requests, bit 1 for its configuration.</summary>
    public byte TakeInterrupts() => QTest.Read(_interruptStatus, 1)[0];

    /// <summary>Reads what is its own kind's alone: its configuration.</summary>
    /// <param name="at">From where on.</param>
    /// <param name="bytes">2, 4 or 8.</param>
    public ulong ReadConfiguration(int at, int bytes)
    {
        var value = new byte[sizeof(ulong)];
        QTest.Read(_configuration + (ulong)at, value.AsSpan(0, bytes));
        return BinaryPrimitives.ReadUInt64LittleEndian(value);
    }

    /// <summary>Writes four bytes of it.</summary>
    /// <param name="at">From where on.</param>
    /// <param name="value">What.</param>
    public void WriteConfiguration(int at, uint value)
    {
        var written = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(written, value);
        QTest.Write(_configuration + (ulong)at, written);
    }

    /// <summary>All that its registers say of how it is driven, each with its name. Which queue is selected changes.</summary>
    public IReadOnlyList<string> Describe()
    {
        List<string> seen = [$"queue that is selected: {Read(QueueSelect, 2)}", $"half of its features that is selected: {Read(DeviceFeatureSelect, 4)}, of the driver's: {Read(DriverFeatureSelect, 4)}"];
        seen.Add($"status: 0x{Read(DeviceStatus, 1):x}");
        seen.Add($"vector of the configuration: {Read(ConfigVector, 2)}");
        for (var half = 0; half < 2; half++)
        {
            Write(DriverFeatureSelect, (ulong)half, 4);
            seen.Add($"features agreed on, half {half}: 0x{Read(DriverFeature, 4):x}");
        }

        foreach (var queue in _queues)
        {
            Write(QueueSelect, queue, 2);
            seen.Add($"queue {queue}: size {Read(QueueSize, 2)}, vector {Read(QueueVector, 2)}, enabled {Read(QueueEnable, 2)}, descriptors 0x{Read(QueueDescriptors, 4):x}, available 0x{Read(QueueAvailable, 4):x}, used 0x{Read(QueueUsed, 4):x}");
        }

        seen.AddRange(_vectors?.Describe(VectorCount) ?? []);
        return seen;
    }

    private QTest.QTestClient QTest => _pair.Holder.Process.QTest!;

    private uint Read(int register, int bytes)
    {
        var value = new byte[sizeof(uint)];
        QTest.Read(_common + (ulong)register, value.AsSpan(0, bytes));
        return BinaryPrimitives.ReadUInt32LittleEndian(value);
    }

    private void Write(int register, ulong value, int bytes)
    {
        var written = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(written, value);
        QTest.Write(_common + (ulong)register, written.AsSpan(0, bytes));
    }
}
