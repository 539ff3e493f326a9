using System.Buffers.Binary;

namespace QemuMigTest.Conformance.Devices;

/// <summary>A function's MSI-X vectors: what it writes where when it wants an interrupt. A test has it write into RAM, where the message stays to be seen.</summary>
internal sealed class MsiX
{
    private const byte Id = 0x11;
    private const int Control = 2;
    private const ushort Enabled = 0x8000;
    private const ushort FunctionMasked = 0x4000;
    private const int VectorBytes = 16;
    private const int VectorControl = 12;

    private readonly MigrationPair _pair;
    private readonly PciFunction _function;
    private readonly int _capability;
    private readonly ulong _table;
    private readonly ulong _pending;

    private MsiX(MigrationPair pair, PciFunction function, int capability)
    {
        (_pair, _function, _capability) = (pair, function, capability);
        (_table, _pending) = (At(4), At(8));

        ulong At(int register)
        {
            var place = function.Read(capability + register);
            return function.BaseAddress((int)(place & 7)) + (place & ~7u);
        }
    }

    /// <summary>A function's, or null where it has none.</summary>
    public static MsiX? Of(MigrationPair pair, PciFunction function) =>
        function.Capabilities(Id).Select(capability => new MsiX(pair, function, capability)).FirstOrDefault();

    /// <summary>Turns it on.</summary>
    /// <param name="masked">All vectors at once are held back.</param>
    public void Enable(bool masked = false) => _function.Write16(_capability + Control, (ushort)(Enabled | (masked ? FunctionMasked : 0)));

    /// <summary>Sets a vector's message.</summary>
    /// <param name="vector">From 0.</param>
    /// <param name="address">Where it is written, guest-physical, a multiple of 4.</param>
    /// <param name="data">What.</param>
    /// <param name="masked">It is held back.</param>
    public void Set(int vector, uint address, uint data, bool masked)
    {
        var message = new byte[VectorBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(message, address);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(8), data);
        for (var word = 0; word < VectorControl; word += sizeof(uint))
        {
            QTest.Write(_table + (ulong)((vector * VectorBytes) + word), message.AsSpan(word, sizeof(uint)));
        }

        Mask(vector, masked);
    }

    /// <summary>Holds a vector back, or no more: a message that is pending is then written before this returns.</summary>
    public void Mask(int vector, bool masked) => QTest.Write(_table + (ulong)((vector * VectorBytes) + VectorControl), [(byte)(masked ? 1 : 0), 0, 0, 0]);

    /// <summary>Whether a vector's message is held back.</summary>
    public bool IsPending(int vector) => (QTest.ReadUInt64(_pending) & (1UL << vector)) != 0;

    /// <summary>All of its registers, each with its name.</summary>
    /// <param name="vectors">How many vectors.</param>
    public IEnumerable<string> Describe(int vectors) =>
    [
        $"MSI-X control: 0x{_function.Read16(_capability + Control):x}, pending: 0x{QTest.ReadUInt64(_pending):x}",
        .. Enumerable.Range(0, vectors).Select(vector => $"MSI-X vector {vector}: {Convert.ToHexStringLower(QTest.Read(_table + (ulong)(vector * VectorBytes), VectorBytes))}"),
    ];

    private QTest.QTestClient QTest => _pair.Holder.Process.QTest!;
}
