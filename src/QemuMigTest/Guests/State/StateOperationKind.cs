namespace QemuMigTest.Guests.State;

/// <summary>What an operation of the state guest does. The numbers are those of asm/state.S.</summary>
public enum StateOperationKind : byte
{
    /// <summary>The end of a list.</summary>
    End,

    /// <summary>Writes a byte to an I/O port.</summary>
    Out8,

    /// <summary>Writes two bytes to an I/O port.</summary>
    Out16,

    /// <summary>Writes four bytes to an I/O port.</summary>
    Out32,

    /// <summary>Reads a byte from an I/O port, and compares.</summary>
    In8,

    /// <summary>Reads two bytes from an I/O port, and compares.</summary>
    In16,

    /// <summary>Reads four bytes from an I/O port, and compares.</summary>
    In32,

    /// <summary>Writes four bytes to memory, such as a device's.</summary>
    Write32,

    /// <summary>Reads four bytes from memory, and compares.</summary>
    Read32,

    /// <summary>Writes an MSR; one that the CPU does not have is skipped.</summary>
    WriteMsr,

    /// <summary>Reads an MSR, and compares; that the CPU does not have it is a value too.</summary>
    ReadMsr,

    /// <summary>Executes CPUID and compares one register.</summary>
    Cpuid,
}
