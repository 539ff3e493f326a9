namespace QemuMigTest.Guests.State;

/// <summary>Writes a list of operations; what is read is named, and numbered with all that is read in other lists.</summary>
/// <param name="names">The names of items so far: item 1 is the first.</param>
internal sealed class StateList(List<string> names)
{
    private readonly List<StateOperation> _operations = [];

    public IReadOnlyList<StateOperation> Operations => _operations;

    public StateList Out8(uint port, byte value) => Add(new(StateOperationKind.Out8, port, value));

    public StateList Out16(uint port, ushort value) => Add(new(StateOperationKind.Out16, port, value));

    public StateList Out32(uint port, uint value) => Add(new(StateOperationKind.Out32, port, value));

    public StateList Write32(uint address, uint value, uint step = 0) => Add(new(StateOperationKind.Write32, address, value, step));

    public StateList WriteMsr(uint msr, ulong value, ulong step = 0) => Add(new(StateOperationKind.WriteMsr, msr, value, step));

    public StateList In8(string name, uint port, byte mask = byte.MaxValue) => Add(new(StateOperationKind.In8, port, mask, 0, Name(name)));

    public StateList In16(string name, uint port) => Add(new(StateOperationKind.In16, port, ushort.MaxValue, 0, Name(name)));

    public StateList In32(string name, uint port) => Add(new(StateOperationKind.In32, port, uint.MaxValue, 0, Name(name)));

    public StateList Read32(string name, uint address, uint mask = uint.MaxValue) => Add(new(StateOperationKind.Read32, address, mask, 0, Name(name)));

    public StateList ReadMsr(string name, uint msr) => Add(new(StateOperationKind.ReadMsr, msr, ulong.MaxValue, 0, Name($"MSR {name} (0x{msr:x})")));

    public StateList Cpuid(uint leaf, uint part)
    {
        for (byte register = 0; register < 4; register++)
        {
            Add(new(StateOperationKind.Cpuid, leaf, uint.MaxValue, part, Name($"CPUID 0x{leaf:x}.{part} {"EAX EBX ECX EDX".Split(' ')[register]}"), register));
        }

        return this;
    }

    /// <summary>What a controller shows behind an index: the index is written, then the value read.</summary>
    public StateList Indexed8(string name, uint indexPort, byte index, byte mask = byte.MaxValue) => Out8(indexPort, index).In8(name, indexPort + 1, mask);

    private StateList Add(StateOperation operation)
    {
        _operations.Add(operation);
        return this;
    }

    private ushort Name(string name)
    {
        names.Add(name);
        return names.Count <= StateOperation.LastItem ? (ushort)names.Count : throw new GuestException($"The state guest's lists have more than {StateOperation.LastItem} items.");
    }
}
