using System.Buffers.Binary;

namespace QemuMigTest.Guests.State;

/// <summary>One step of a list that the state guest goes through.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Address">The port, the physical address, the MSR, or CPUID's leaf.</param>
/// <param name="Value">What is written; for a read, the bits that are compared.</param>
/// <param name="Step">What is added to the value for each vCPU before this one; for CPUID, the part of the leaf.</param>
/// <param name="Item">The number by which damage is told, 1 to 1023; 0 for what is written.</param>
/// <param name="Register">For CPUID: 0 EAX, 1 EBX, 2 ECX, 3 EDX.</param>
public sealed record StateOperation(StateOperationKind Kind, uint Address, ulong Value, ulong Step = 0, ushort Item = 0, byte Register = 0)
{
    /// <summary>Bytes of one operation in the guest.</summary>
    public const int Size = 24;

    /// <summary>The highest item of an operation.</summary>
    public const int LastItem = 1023;

    internal void WriteTo(Span<byte> target)
    {
        target[0] = (byte)Kind;
        target[1] = Register;
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], Item);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Address);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Step);
    }
}
